"""What a step says (an outcome) and what the law makes of it (a dispatch).

A handler takes an envelope and returns one of six outcomes. It never picks a topic, acknowledges anything or touches the
slip. Source: ``docs/reference/contract.md`` §3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import ValidationError

from bitbrat.envelope import Annotation, Envelope, Reply, RoutingStep, Value
from bitbrat.errors import StepFailed

V = TypeVar("V", bound=Value)


def _bad(message: str) -> StepFailed:
    return StepFailed("step.bad_outcome", message)


def _read(kind: type[V], value: object) -> V:
    """``value`` as one of ``kind``: it is one, or it is a dict of its fields."""
    if isinstance(value, kind):
        return value
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _bad(f"what should be {kind.__name__} is none: {where} {first['msg']}".replace("  ", " ")) from None


def _reply(value: object) -> Reply | str:
    return value if isinstance(value, str) else _read(Reply, value)


@dataclass(frozen=True, kw_only=True)
class _Carrying:
    """``payload`` replaces the envelope's (None keeps it); annotations and replies are appended to it.

    Either may be written as a plain dict of its fields. What cannot be one raises ``StepFailed`` (``step.bad_outcome``).
    """

    payload: Mapping[str, Any] | None = None
    annotations: Sequence[Annotation] = ()
    replies: Sequence[Reply | str] = ()

    def __post_init__(self) -> None:
        if self.payload is not None and not isinstance(self.payload, Mapping):
            raise _bad(f"the payload is {type(self.payload).__name__}, not a dict")
        if self.annotations:
            object.__setattr__(self, "annotations", tuple(_read(Annotation, one) for one in self.annotations))
        if self.replies:
            object.__setattr__(self, "replies", tuple(_reply(one) for one in self.replies))


@dataclass(frozen=True)
class Next(_Carrying):
    """Done here; the next step on the slip runs."""


@dataclass(frozen=True)
class Skip(_Carrying):
    """Not for this step; the next step on the slip runs."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Handled(_Carrying):
    """Done altogether: the reply goes out, no further step runs."""

    reply: Reply | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reply is not None:
            object.__setattr__(self, "reply", _reply(self.reply))


@dataclass(frozen=True)
class Failed(_Carrying):
    """It did not work. ``retryable`` asks for another attempt, as long as the step has some left and the deadline allows."""

    code: str
    message: str = ""
    retryable: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, init=False)
class Revise:
    """Done here; these steps are added at the end of the slip. Names are looked up in the deployment's registry."""

    steps: tuple[str | RoutingStep, ...]

    def __init__(self, *steps: str | RoutingStep | Sequence[str | RoutingStep]) -> None:
        named: list[str | RoutingStep] = []
        for step in steps:
            named += [step] if isinstance(step, str | RoutingStep) else step
        object.__setattr__(self, "steps", tuple(named))


@dataclass(frozen=True)
class Reroute:
    """Done here, but the rest of the slip is wrong: the router shall write a new one."""

    reason: str = ""


Outcome: TypeAlias = Next | Skip | Handled | Failed | Revise | Reroute


@dataclass(frozen=True)
class Dispatch:
    """Where an envelope goes next: the law's answer, and the unit of the outbox.

    ``wire_id`` is the broker's dedupe key; ``not_before`` holds a retry back; ``reason`` is the code under which a
    dispatch to the dead letters is filed. ``to`` says whose word the topic is: a step's on the slip, the envelope's egress or
    completion destination, or the law's own. The first three may be anything and are checked before anything is sent.
    """

    topic: str
    envelope: Envelope
    wire_id: str
    not_before: datetime | None = None
    reason: str | None = None
    to: Literal["step", "egress", "completion", "platform"] = "platform"
