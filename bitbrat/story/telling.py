"""Tells the story of an envelope, from its final record or as it is on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bitbrat.codec import decode
from bitbrat.envelope import Envelope
from bitbrat.errors import BitBratError
from bitbrat.records import routes_of
from bitbrat.store import FinalRecord
from bitbrat.story.model import Story
from bitbrat.story.waterfall import last_row, rows_of
from bitbrat.story.words import headline, sentence


def story_of_record(record: FinalRecord) -> Story:
    """The story of an envelope that has ended, from its final record; bytes that nobody can read have a short one."""
    try:
        envelope = decode(record.data)
    except BitBratError:
        return _unreadable(record)
    told = story_of(envelope, record=record)
    return told if record.outcome != "pending_reply" else _waiting(told, "egress")


def story_of(envelope: Envelope, *, record: FinalRecord | None = None) -> Story:
    """The story of ``envelope`` as it is; without its ``record`` it is still on its way."""
    told = Story(
        id=envelope.id,
        headline=headline(envelope, record),
        sentence=sentence(envelope, record),
        rows=(*rows_of(envelope), *((last_row(envelope, record),) if record else ())),
        why=tuple({**route.to_json(), "explain": route.explain} for route in routes_of(envelope)),
        next=_next(envelope, record),
        envelope=envelope,
        record=_shown(record) if record else {},
    )
    if record is not None:
        return told
    current = envelope.current
    return _waiting(told, "the finalizer" if current is None else f"step {envelope.routing_slip[current].id}")


def _waiting(told: Story, whom: str) -> Story:
    return replace(told, incomplete=f"incomplete, waiting for {whom}")


def _unreadable(record: FinalRecord) -> Story:
    code, size = record.code, len(record.data)
    return Story(
        id=record.id,
        headline=f"{record.id}  {size} bytes  from {record.source_topic or 'an unknown topic'}  DEAD-LETTERED",
        sentence=f"{size} bytes that are no envelope came on {record.source_topic or 'an unknown topic'}. {_message(record)}",
        next=(f"bitbrat dlq show {record.id[:20]}", f"bitbrat explain {code}"),
        record=_shown(record),
    )


def _message(record: FinalRecord) -> str:
    failure = record.detail.get("failure") or {}
    return f"{record.code}: {failure.get('message') or ''}".rstrip(": ") + "."


def _shown(record: FinalRecord) -> dict[str, Any]:
    shown = ("id", "outcome", "state", "code", "fingerprint", "surplus", "replays")
    found = {name: getattr(record, name) for name in shown}
    named = {"sourceTopic": record.source_topic, "group": record.group, "replayOf": record.replay_of}
    return {**found, **{name: value for name, value in named.items() if value}, "detail": dict(record.detail)}


def _next(envelope: Envelope, record: FinalRecord | None) -> tuple[str, ...]:
    if record is None or record.outcome not in ("failed", "dead_lettered"):
        return ()
    explain = f"bitbrat explain {record.code}"
    return (f"bitbrat dlq replay {envelope.id}", explain) if record.state == "open" else (explain,)
