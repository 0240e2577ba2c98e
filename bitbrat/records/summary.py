"""What people see of an envelope that has ended, as JSON: who, what, the rule, the timings, the replies, and what failed.

Times are milliseconds after the envelope's ``timestamp``. Texts are cut at 512 characters (``docs/reference/contract.md`` §1 bounds
the rest).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bitbrat.envelope import Envelope, Reply, RoutingStep, format_time
from bitbrat.records.likeness import normalise

MAX_TEXT = 512
ROUTE = "route"


@dataclass(frozen=True, slots=True)
class Route:
    """A decision of the router: the ``rule`` that matched (empty: none did), its version, the hash of all rules, and why in a line."""

    rule: str
    version: str = ""
    ruleset: str = ""
    why: str = ""
    explain: Any = None

    def to_json(self) -> dict[str, Any]:
        """Without the tree, which stays in the envelope."""
        return {"rule": self.rule, "version": self.version, "ruleset": self.ruleset, "why": self.why}


def routes_of(envelope: Envelope) -> list[Route]:
    """The router's decisions on the way of ``envelope``, in order, from the annotations that it left."""
    notes = [note for note in envelope.annotations if note.kind == ROUTE and note.by == "router"]
    return [_route(note.label or "", note.data or {}) for note in notes]


def _route(rule: str, data: dict[str, Any]) -> Route:
    version, ruleset, why = (str(data.get(key) or "") for key in ("version", "ruleset", "why"))
    return Route(rule, version, ruleset, why, data.get("explain"))


def route_of(envelope: Envelope) -> Route | None:
    """The last decision that named a rule; a replay that lost the annotation still has the rule's id on its steps."""
    found = [route for route in routes_of(envelope) if route.rule]
    if found:
        return found[-1]
    rules = [step.attributes["rule"] for step in envelope.routing_slip if step.attributes.get("rule")]
    return Route(rules[-1]) if rules else None


def failing_step(envelope: Envelope) -> tuple[int, RoutingStep] | None:
    """The step that ended in ERROR, with its index; None when none did."""
    return next(((i, step) for i, step in enumerate(envelope.routing_slip) if step.status == "ERROR"), None)


def summary(envelope: Envelope, *, at: datetime, unknown: bool = False) -> dict[str, Any]:
    """The detail of a final record. ``at`` is the end; ``unknown``: nobody heard what became of the replies that are still open."""
    route = route_of(envelope)
    return {
        "source": {"platform": envelope.source.platform, "channel": envelope.source.channel, "connection": envelope.source.connection_id},
        "user": {"id": envelope.user.id, "name": envelope.user.name, "displayName": envelope.user.display_name, "role": envelope.user.role},
        "text": _text(envelope),
        "receivedAt": format_time(envelope.timestamp),
        "totalMs": _ms(envelope.timestamp, at),
        "simulated": bool(envelope.simulated),
        "rule": route.to_json() if route else None,
        "reroutes": max(len(routes_of(envelope)) - 1, 0),
        "visits": [_visit(envelope, i) for i in range(len(envelope.trail))],
        "steps": [_step(envelope, step) for step in envelope.routing_slip],
        "attempts": sum(step.attempt + 1 for step in envelope.routing_slip if step.started_at is not None),
        "replies": [_reply(envelope, reply, unknown) for reply in envelope.replies],
        "failure": _failure(envelope),
    }


def _text(envelope: Envelope) -> str:
    text = envelope.payload.get("text")
    return text[:MAX_TEXT] if isinstance(text, str) else ""


def _visit(envelope: Envelope, index: int) -> dict[str, Any]:
    visit = envelope.trail[index]
    return {
        "service": visit.service,
        "atMs": _ms(envelope.timestamp, visit.started_at),
        "ms": _ms(visit.started_at, visit.ended_at),
    }


def _step(envelope: Envelope, step: RoutingStep) -> dict[str, Any]:
    found: dict[str, Any] = {"id": step.id, "status": step.status, "attempts": step.attempt + 1 if step.started_at else 0}
    if step.started_at is not None:
        found["atMs"] = _ms(envelope.timestamp, step.started_at)
    if step.started_at is not None and step.ended_at is not None:
        found["ms"] = _ms(step.started_at, step.ended_at)
    if step.error is not None:
        found |= {"code": step.error.code, "message": (step.error.message or "")[:MAX_TEXT]}
    return found | ({"notes": step.notes[:MAX_TEXT]} if step.notes else {})


def _reply(envelope: Envelope, reply: Reply, unknown: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": reply.kind, "text": (reply.text or "")[:MAX_TEXT], "by": reply.by}
    settled = reply.delivered
    if settled is None:
        return found | {"state": _open(envelope, unknown)}
    if settled.error is not None:
        return found | {"state": "failed", "code": settled.error.code, "message": (settled.error.message or "")[:MAX_TEXT]}
    return found | {"state": "delivered", **({"providerId": settled.provider_id} if settled.provider_id else {})}


def _open(envelope: Envelope, unknown: bool) -> str:
    """What is to be said of a reply that nobody settled."""
    if unknown:
        return "unknown"
    if envelope.simulated:
        return "simulated"
    return "undelivered" if envelope.source.egress_destination is not None else "suppressed"


def _failure(envelope: Envelope) -> dict[str, Any] | None:
    found = failing_step(envelope)
    if found is None:
        return None
    index, step = found
    code, message = (step.error.code, step.error.message or "") if step.error else ("step.failed", "")
    return {"step": step.id, "index": index, "code": code, "message": message[:MAX_TEXT], "normalised": normalise(message)}


def _ms(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds() * 1000, 1)
