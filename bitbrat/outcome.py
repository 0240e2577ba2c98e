"""What a step says (an outcome) and what the law makes of it (a dispatch).

A handler takes an envelope and returns one of six outcomes. It never picks a topic, acknowledges anything or touches the
slip. Source: ``docs/reference/contract.md`` §3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from bitbrat.envelope import Annotation, Envelope, Reply, RoutingStep


@dataclass(frozen=True, kw_only=True)
class _Carrying:
    """``payload`` replaces the envelope's (None keeps it); annotations and replies are appended to it."""

    payload: Mapping[str, Any] | None = None
    annotations: Sequence[Annotation] = ()
    replies: Sequence[Reply | str] = ()


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

    def __init__(self, *steps: str | RoutingStep) -> None:
        object.__setattr__(self, "steps", steps)


@dataclass(frozen=True)
class Reroute:
    """Done here, but the rest of the slip is wrong: the router shall write a new one."""

    reason: str = ""


Outcome: TypeAlias = Next | Skip | Handled | Failed | Revise | Reroute


@dataclass(frozen=True)
class Dispatch:
    """Where an envelope goes next: the law's answer, and the unit of the outbox.

    ``wire_id`` is the broker's dedupe key; ``not_before`` holds a retry back; ``reason`` is the code under which a
    dispatch to the dead letters is filed.
    """

    topic: str
    envelope: Envelope
    wire_id: str
    not_before: datetime | None = None
    reason: str | None = None
