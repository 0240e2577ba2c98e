"""What a handler is registered as: a step of the slip, or a consumer of the platform.

Source: ``docs/concepts/delivery.md`` for the effects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from bitbrat.envelope import Envelope
from bitbrat.errors import ConfigError
from bitbrat.outcome import Outcome
from bitbrat.slip import Role

Effects = Literal["recorded", "none", "transactional", "leased", "idempotent", "at_most_once"]
"""What a second run would do, and so how the hop protects the handler from one."""

EFFECTS: tuple[Effects, ...] = ("recorded", "none", "transactional", "leased", "idempotent", "at_most_once")
MAX_TRANSACTION_SECONDS = 2.0
MAX_DELAY = 600.0


@dataclass(frozen=True)
class Retry:
    """How long a failed attempt waits for the next: ``base`` · 2^attempt · (1 + U[0, 0.5]) seconds, at most ``most``."""

    base: float = 0.2
    most: float = MAX_DELAY

    def delay(self, attempt: int, randomness: float) -> float:
        """Seconds to wait after ``attempt`` (from 0) failed; ``randomness`` in [0, 1)."""
        return min(self.base * 2.0**attempt * (1 + randomness / 2), self.most)


@dataclass(frozen=True)
class Refused:
    """A platform service's word that this envelope goes no further: ``envelope`` as it leaves, and the code."""

    envelope: Envelope
    code: str
    message: str = ""


@dataclass(frozen=True)
class RawMessage:
    """A message as it came, for a consumer that must take anything: the dead-letter handler."""

    data: bytes
    headers: Mapping[str, str]


StepHandler: TypeAlias = Callable[[Envelope, Any], Awaitable[Outcome]]
VisitHandler: TypeAlias = Callable[[Envelope, Any], Awaitable[Envelope | Refused]]
RawHandler: TypeAlias = Callable[[RawMessage, Any], Awaitable[None]]
Topics: TypeAlias = str | Callable[[Any], tuple[str, ...]]
"""A topic, or a function from the service's settings to its topics."""


@dataclass(frozen=True, kw_only=True)
class StepSpec:
    """A step: its name on the slip, the topic it listens on, its handler, and how it is run. Times in seconds."""

    name: str
    topic: str
    handler: StepHandler
    effects: Effects = "recorded"
    timeout: float = 30.0
    concurrency: int = 16
    retry: Retry = field(default_factory=Retry)

    def __post_init__(self) -> None:
        _check(self.name, self.effects, self.timeout, self.concurrency)


@dataclass(frozen=True, kw_only=True)
class ConsumerSpec:
    """A platform service's consumer. ``raw`` hands over the bytes as they came; ``timeout`` in seconds."""

    role: Role
    topics: Topics
    handler: VisitHandler | RawHandler
    effects: Effects = "recorded"
    timeout: float = 30.0
    concurrency: int = 16
    retry: Retry = field(default_factory=lambda: Retry(base=0.5, most=30.0))
    raw: bool = False

    def __post_init__(self) -> None:
        _check(self.role, self.effects, self.timeout, self.concurrency)

    def names(self, settings: Any) -> tuple[str, ...]:
        """The topics it listens on, given the service's settings."""
        return (self.topics,) if isinstance(self.topics, str) else self.topics(settings)


def _check(name: str, effects: str, timeout: float, concurrency: int) -> None:
    if effects not in EFFECTS:
        raise ConfigError("config.bad", f"{name}: effects={effects!r} is none of {', '.join(EFFECTS)}")
    if effects == "transactional" and timeout > MAX_TRANSACTION_SECONDS:
        raise ConfigError(
            "config.bad",
            f"{name}: a transactional handler has at most {MAX_TRANSACTION_SECONDS:g} s, timeout={timeout:g}",
            fix="set timeout=2, or declare effects='leased' for long work",
        )
    if timeout <= 0 or concurrency < 1:
        raise ConfigError("config.bad", f"{name}: timeout and concurrency must be positive")
