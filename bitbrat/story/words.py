"""A story in words: the headline, and what happened, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from bitbrat.envelope import Envelope, Reply, RoutingStep
from bitbrat.records import failing_step, route_of, routes_of
from bitbrat.store import FinalRecord

MAX_QUOTE = 120


def headline(envelope: Envelope, record: FinalRecord | None) -> str:
    """Which event it is, from where, by whom, and how it stands."""
    return f"{envelope.id}  {envelope.type}  {_place(envelope)}  {_who(envelope)}  {_state(envelope, record)}"


def sentence(envelope: Envelope, record: FinalRecord | None) -> str:
    """What happened."""
    return " ".join(_sentences(envelope, record))


def _place(envelope: Envelope) -> str:
    source = envelope.source
    return f"{source.platform}/{source.channel}" if source.channel else source.platform


def _who(envelope: Envelope) -> str:
    user = envelope.user
    if not user.name and not user.id:
        return "nobody"
    return f"@{user.name or user.id} ({user.role})" if user.role else f"@{user.name or user.id}"


def _state(envelope: Envelope, record: FinalRecord | None) -> str:
    if record is None:
        return "ON ITS WAY"
    if record.outcome == "failed" and (found := failing_step(envelope)) is not None:
        return f"FAILED at step {found[0] + 1} of {len(envelope.routing_slip)}"
    if record.outcome == "dead_lettered":
        return f"DEAD-LETTERED {record.code}"
    return record.outcome.upper().replace("_", " ")


def _sentences(envelope: Envelope, record: FinalRecord | None) -> Iterator[str]:
    yield _event(envelope)
    if envelope.replay_of:
        yield f"This is a replay of {envelope.replay_of}."
    routes = routes_of(envelope)
    route = route_of(envelope)
    if route is not None:
        yield f"Rule {route.rule} matched."
    elif routes:
        yield "No rule matched."
    yield from (_of_step(step) for step in envelope.routing_slip if step.status in ("ERROR", "OK"))
    yield from (_of_reply(reply) for reply in envelope.replies)
    yield _end(record)


def _event(envelope: Envelope) -> str:
    name = envelope.user.display_name or envelope.user.name or "Somebody"
    text = envelope.payload.get("text")
    simulated = " (simulated)" if envelope.simulated else ""
    return f'{name} wrote "{_quoted(text)}"{simulated}.' if isinstance(text, str) else f"{envelope.type} came in{simulated}."


def _of_step(step: RoutingStep) -> str:
    attempts = step.attempt + 1
    if step.status == "ERROR":
        return f"{step.id} failed {attempts} times." if attempts > 1 else f"{step.id} failed."
    if "reroute" in step.attributes:
        return f"{step.id} asked for another slip."
    return f"{step.id} worked at attempt {attempts}." if attempts > 1 else f"{step.id} worked."


def _of_reply(reply: Reply) -> str:
    said = f'"{_quoted(reply.text or reply.kind)}"'
    if reply.delivered is None:
        return f"The reply {said} was not sent."
    if reply.delivered.error is not None:
        return f"The reply {said} failed: {reply.delivered.error.code}."
    return f"The reply {said} was {'simulated' if reply.delivered.provider_id == 'simulated' else 'sent'}."


def _end(record: FinalRecord | None) -> str:
    if record is None:
        return "It is still on its way."
    ends = {
        "failed": "Recorded as a failure.",
        "dead_lettered": f"Kept as a dead letter: {record.code}.",
        "pending_reply": "Its reply is on its way.",
        "handled": "Handled.",
    }
    return ends.get(record.outcome, "Completed.")


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_QUOTE else line[: MAX_QUOTE - 1] + "…"
