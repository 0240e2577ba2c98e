"""The waterfall of a story: visits and steps by the time they began."""

from __future__ import annotations

from datetime import datetime

from bitbrat.envelope import Envelope, RoutingStep, Visit
from bitbrat.records import routes_of
from bitbrat.store import FinalRecord
from bitbrat.story.model import Row


def rows_of(envelope: Envelope) -> list[Row]:
    """Visits and steps by the time they began; what never began stands behind what did, in the order of the slip."""
    placed: list[tuple[tuple[int, float, int], Row]] = []
    visits = [(visit.started_at, _visit(envelope, i)) for i, visit in enumerate(envelope.trail)]
    steps = [(step.started_at, _step(envelope, step)) for step in envelope.routing_slip]
    for place, (at, row) in enumerate([*visits, *steps]):
        placed.append(((0, _ms(envelope.timestamp, at), place) if at is not None else (1, 0.0, place), row))
    return [row for _, row in sorted(placed, key=lambda item: item[0])]


def _visit(envelope: Envelope, index: int) -> Row:
    visit: Visit = envelope.trail[index]
    note = {"auth": _of_auth, "router": _of_router, "egress": _of_egress}.get(visit.service)
    before = sum(entry.service == visit.service for entry in envelope.trail[:index])
    text = note(envelope, before) if note else ""
    return Row(_ms(envelope.timestamp, visit.started_at), visit.service, "ok", _ms(visit.started_at, visit.ended_at), text)


def _of_auth(envelope: Envelope, before: int) -> str:  # noqa: ARG001 - the notes of all services are made alike
    role = f"role {envelope.user.role}" if envelope.user.role else "no role"
    return ", ".join([role, *envelope.user.tags])


def _of_router(envelope: Envelope, before: int) -> str:
    """The decision of this visit: the router leaves one note each time."""
    routes = routes_of(envelope)
    if before >= len(routes):
        return ""
    route = routes[before]
    return f"rule {route.rule} {route.version}: {route.why}".strip() if route.rule else "no rule matched"


def _of_egress(envelope: Envelope, before: int) -> str:  # noqa: ARG001
    failed = [reply.delivered.error.code for reply in envelope.replies if reply.delivered and reply.delivered.error]
    sent = sum(reply.delivered is not None and reply.delivered.error is None for reply in envelope.replies)
    return ", ".join([*([f"{sent} {'simulated' if envelope.simulated else 'sent'}"] if sent else []), *failed])


def _step(envelope: Envelope, step: RoutingStep) -> Row:
    if step.started_at is None:
        status = "waiting" if step.status == "PENDING" else step.status
        return Row(None, step.id, status, None, step.notes or "")
    took = _ms(step.started_at, step.ended_at) if step.ended_at is not None else None
    return Row(_ms(envelope.timestamp, step.started_at), step.id, step.status, took, _note(step))


def _note(step: RoutingStep) -> str:
    parts = [f"attempts {step.attempt + 1}"] if step.attempt else []
    if step.error is not None:
        parts.append(f"{step.error.code} {step.error.message or ''}".strip())
    if "reroute" in step.attributes:
        parts.append(f"reroute: {step.attributes['reroute']}")
    return "   ".join([*parts, *([step.notes] if step.notes else [])])


def last_row(envelope: Envelope, record: FinalRecord) -> Row:
    """How it ended, and when."""
    name = "dlq" if record.outcome == "dead_lettered" else "finalizer"
    group = f", group {record.fingerprint}" if record.fingerprint else ""
    notes = {"failed": f"failure recorded{group}", "dead_lettered": f"{record.code}{group}", "pending_reply": "waiting for egress"}
    return Row(_ms(envelope.timestamp, record.at), name, "ok", None, notes.get(record.outcome, record.outcome))


def _ms(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds() * 1000, 1)
