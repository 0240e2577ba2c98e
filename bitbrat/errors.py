"""Everything that can go wrong, under one root.

    BitBratError                    has a code from the catalogue, a sentence, the evidence, a fix
    ├── EnvelopeError               bytes that are not an envelope, or one over its limits
    ├── SlipError                   a routing slip that cannot be followed
    ├── ConfigError                 refused at start, exit code 78
    ├── BusError                    the bus refused or is closed
    │   ├── BusUnavailable          not now: try again
    │   └── BusFull                 the ingress topic is full: shed at the door
    ├── StoreError                  the store refused
    │   └── StoreUnavailable        not now: try again
    ├── RulesError                  a rules file that was refused, with every problem in it
    ├── ConnectorError              an outside system refused
    ├── StepFailed                  a handler's own word that it failed
    └── Unavailable                 what a platform service needs is down: its consumer pauses

The catalogue in :mod:`bitbrat.catalogue` gives every code its sentence and its fix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class BitBratError(Exception):
    """An error with the four parts a user sees: what, why, fix, code.

    ``code`` is ``<area>.<reason>``; ``message`` says what happened and names the field and the limit; ``why`` is the
    evidence; ``fix`` is a command or an action. Empty parts are filled from the catalogue when the error is shown.
    """

    def __init__(self, code: str, message: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class EnvelopeError(BitBratError):
    """These bytes are not an envelope that we accept. The bytes themselves are kept by whoever holds them."""


class SlipError(BitBratError):
    """The routing slip cannot be followed."""


class ConfigError(BitBratError):
    """The configuration is refused. Raised at start only; the process exits with 78."""


class BusError(BitBratError):
    """The bus refused an operation, or is closed."""


class BusUnavailable(BusError):
    """The bus did not answer in time. The operation may or may not have happened; the same wire id makes a retry safe."""


class BusFull(BusError):
    """The topic's stream is full and says so. Nothing was stored."""


class StoreError(BitBratError):
    """The store refused an operation."""


class StoreUnavailable(StoreError):
    """The store did not answer in time. A commit may have been applied; ask again, never assume."""


class ConnectorError(BitBratError):
    """An outside system refused, or spoke another language than it should."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a rules file: where it stands (1-based) and what it is."""

    code: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    rule: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.message}"


class RulesError(BitBratError):
    """A rules file was refused. ``problems`` holds every one of them, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(first.code, f"{first}{more}", why="\n".join(str(p) for p in problems))
        self.problems = tuple(problems)


class StepFailed(BitBratError):
    """A handler's own word that its step failed.

    ``retryable=True`` also says that nothing was done yet, so that an ``at_most_once`` step may try again.
    """

    def __init__(self, code: str, message: str = "", *, retryable: bool = False) -> None:
        super().__init__(code, message or code)
        self.retryable = retryable


class Unavailable(BitBratError):
    """What a platform service needs is down. Its consumer stops pulling, and goes on by itself when ``probe`` answers."""

    def __init__(self, dependency: str, message: str = "", *, code: str = "bus.unavailable") -> None:
        super().__init__(code, message or f"{dependency} is not available")
        self.dependency = dependency
