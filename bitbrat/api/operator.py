"""The questions of an operator. Answers are JSON values, the same whether they come from this process or over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from bitbrat.api.events import NewEvent

Json = dict[str, Any]


class Page(NamedTuple):
    """Some rows of a list, and the cursor behind the last one (the one that was given when there is none)."""

    rows: list[Json]
    cursor: str = ""


class Operator(Protocol):
    """See the module's docstring. Raises ``BitBratError`` with a code of the catalogue, over HTTP too."""

    async def status(self) -> Json:
        """The process: version, pid, services, steps, bus, store, what is wrong with it."""
        ...

    async def send(self, event: NewEvent) -> str:
        """Put a simulated event in at the door and return the id of its envelope, once the bus has stored it."""
        ...

    async def ended(self, envelope_id: str, *, seconds: float) -> Json | None:
        """The row of an envelope that has ended, waited for; None when ``seconds`` were not enough."""
        ...

    async def messages(self, *, after: str = "", newest_first: bool = False, limit: int = 100) -> Page:
        """Messages that have ended, by the time they ended; ``after`` is the cursor of an earlier page."""
        ...

    async def message(self, name: str) -> Json:
        """The story of a message, by its id, the beginning of it, or ``last``. Raises ``cli.not_found``."""
        ...

    async def failures(self, *, group: str = "", states: Sequence[str] = (), after: str = "", limit: int = 100) -> Page:
        """Failed and dead-lettered messages, newest first; without ``states`` those that are open or being replayed."""
        ...

    async def groups(self) -> list[Json]:
        """The same by what they have in common: count, first, last, step, code."""
        ...

    async def failure(self, name: str) -> Json:
        """One failure with its whole original bytes. Raises ``dlq.not_found``."""
        ...

    async def replay(self, name: str, *, mode: str = "resume", egress: str = "auto", reason: str = "") -> Json:
        """Send a failure on its way once more. Raises ``dlq.not_found``, ``dlq.not_open``, ``dlq.unreadable``."""
        ...

    async def discard(self, name: str) -> Json:
        """Take a failure off the list. Raises ``dlq.not_found``, ``dlq.not_open``."""
        ...

    async def rules(self) -> Json:
        """The rules in force, in order, and what is wrong with the files."""
        ...

    async def rule_tests(self) -> Json:
        """The rules' own examples, each with how it went."""
        ...

    async def explain_rules(self, event: NewEvent) -> Json:
        """Every rule with this event: which match, which do not, and why."""
        ...

    async def close(self) -> None:
        """Let go of whatever is held. Idempotent."""
        ...
