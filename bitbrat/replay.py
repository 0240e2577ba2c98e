"""A replay: an operator sends an event on its way once more, as a new envelope.

The new id comes from the old one and a number, so two operators at once make one replay. Pure.
Source: ``docs/reference/contract.md`` §3, the last paragraphs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, TypeVar

from bitbrat.envelope import Envelope, RoutingStep, Value
from bitbrat.outcome import Dispatch
from bitbrat.slip import onward, visit_hop_id, wire_id
from bitbrat.topics import AUTHENTICATED
from bitbrat.world import named_id

V = TypeVar("V", bound=Value)
Mode = Literal["resume", "restart", "reroute"]
"""``resume``: from the step that failed. ``restart``: from the first step. ``reroute``: from the router, with a new slip."""

_PAST = ("attempt", "error", "started_at", "ended_at", "notes")
_MARKS = ("notBefore", "reroute")


def replay(envelope: Envelope, *, number: int, mode: Mode) -> Dispatch:
    """Where a replay of ``envelope`` starts, and with what.

    ``number`` counts the replays of this envelope; the same number gives the same id. Where there is no step to resume
    or restart, the router decides anew.
    """
    first = _first(envelope, mode)
    fresh = _fresh(envelope, number)
    if first is None:
        fresh = fresh.but(routing_slip=()).without("annotations")
        return Dispatch(AUTHENTICATED, fresh, wire_id(visit_hop_id(fresh, "router")))
    kept, reset = envelope.routing_slip[:first], envelope.routing_slip[first:]
    again = {step.id for step in reset} - {step.id for step in kept}
    found = tuple(note for note in envelope.annotations if note.by not in again)
    return onward(_with(fresh, "annotations", found).but(routing_slip=(*kept, *map(_again, reset))))


def _first(envelope: Envelope, mode: Mode) -> int | None:
    """The index of the first step to run again, or None for a new slip."""
    if mode == "reroute" or not envelope.routing_slip:
        return None
    if mode == "restart":
        return 0
    return next((i for i, step in enumerate(envelope.routing_slip) if _is_open(step)), None)


def _is_open(step: RoutingStep) -> bool:
    """Whether the step never came to a good end: it failed, or it was not run."""
    return step.status in ("ERROR", "PENDING") or (step.status == "SKIP" and step.notes == "not run")


def _fresh(envelope: Envelope, number: int) -> Envelope:
    """The same event under a new id: no status, deadline or trail, and nothing left to say."""
    identity = named_id(f"replay:{envelope.id}:{number}")
    fresh = envelope.but(id=identity, replay_of=envelope.id).without("status", "deadline", "trail")
    return _with(fresh, "replies", tuple(reply for reply in envelope.replies if reply.delivered is not None))


def _with(value: V, name: str, items: Collection[Any]) -> V:
    """``value`` with ``items`` under ``name``; nothing at all on the wire where there are none."""
    return value.but(**{name: items}) if items else value.without(name)


def _again(step: RoutingStep) -> RoutingStep:
    """The step as if it had never run."""
    attributes = {name: value for name, value in step.attributes.items() if name not in _MARKS}
    fresh = step.but(status="PENDING").without(*_PAST)
    return _with(fresh, "attributes", attributes)
