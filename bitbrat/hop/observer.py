"""What a hop tells about itself, to logs and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bitbrat.envelope import Envelope
from bitbrat.outcome import Dispatch


@dataclass(frozen=True, slots=True)
class HopEnd:
    """How one hop ended. ``outcome`` is the outcome's name in lower case; ``seconds`` is the handler's time.

    ``dispatch`` is what it sent (None: nothing, this was the end).
    """

    envelope: Envelope
    dispatch: Dispatch | None
    group: str
    step: str
    index: int | None
    attempt: int
    deliveries: int
    outcome: str
    code: str
    message: str
    seconds: float


class Observer(Protocol):
    """Told of what happens on the way of a message. Never awaited, never raises."""

    def accepted(self, envelope: Envelope) -> None:
        """An outside event is stored on the bus for the first time."""
        ...

    def ended(self, end: HopEnd) -> None:
        """A hop was decided, and what it sends is stored."""
        ...

    def repeated(self, group: str) -> None:
        """A delivery of a hop that was decided before."""
        ...

    def duplicate(self, topic: str) -> None:
        """The bus knew a wire id that was published for the first time."""
        ...

    def refused(self, topic: str, code: str, message: str) -> None:
        """Bytes that no service can read, or that are not for this one, went to the dead letters."""
        ...

    def forbidden(self, topic: str, code: str, envelope_id: str) -> None:
        """A slip named a destination that it may not: a security event."""
        ...

    def resent(self, count: int) -> None:
        """The relay published rows that a hop had left."""
        ...

    def finalised(self, outcome: str, seconds: float | None = None) -> None:
        """An envelope has its final record, ``seconds`` after it was accepted."""
        ...

    def final_duplicate(self, envelope_id: str) -> None:
        """An envelope that has its final record came to its end again."""
        ...

    def counted(self, name: str, labels: Mapping[str, str]) -> None:
        """A service counts one more of ``name``, a dotted name."""
        ...

    def measured(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """A service says what ``name`` is now."""
        ...

    def trouble(self, where: str, error: BaseException) -> None:
        """Something that should not happen; the message was put back."""
        ...


class Silent:
    """An observer that says nothing."""

    def accepted(self, envelope: Envelope) -> None:
        """Nothing."""

    def ended(self, end: HopEnd) -> None:
        """Nothing."""

    def repeated(self, group: str) -> None:
        """Nothing."""

    def duplicate(self, topic: str) -> None:
        """Nothing."""

    def refused(self, topic: str, code: str, message: str) -> None:
        """Nothing."""

    def forbidden(self, topic: str, code: str, envelope_id: str) -> None:
        """Nothing."""

    def resent(self, count: int) -> None:
        """Nothing."""

    def finalised(self, outcome: str, seconds: float | None = None) -> None:
        """Nothing."""

    def final_duplicate(self, envelope_id: str) -> None:
        """Nothing."""

    def counted(self, name: str, labels: Mapping[str, str]) -> None:
        """Nothing."""

    def measured(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """Nothing."""

    def trouble(self, where: str, error: BaseException) -> None:
        """Nothing."""
