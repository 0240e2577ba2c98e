"""Makes final records: of envelopes that came to their end, of dead letters, and of bytes that nobody can read."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from bitbrat.codec import encode
from bitbrat.envelope import Envelope
from bitbrat.records.likeness import fingerprint, normalise
from bitbrat.records.summary import failing_step, summary
from bitbrat.store import FinalOutcome, FinalRecord

CONFLICT = "envelope.id_conflict"


def final_record(envelope: Envelope, *, at: datetime, pending: bool = False, unknown: bool = False) -> FinalRecord:
    """The record of an envelope that reached its completion at ``at``.

    ``pending``: its replies are on their way to egress, and it will come back. ``unknown``: they never came back.
    """
    detail = summary(envelope, at=at, unknown=unknown)
    failure = detail["failure"] if envelope.status == "FAILED" else None
    return _record(
        envelope,
        outcome="pending_reply" if pending else _outcome(envelope),
        at=at,
        data=encode(envelope),
        code=failure["code"] if failure else "",
        fingerprint=fingerprint(failure["step"], failure["code"], failure["message"]) if failure else "",
        detail=detail,
    )


def dead_letter(envelope: Envelope, data: bytes, *, at: datetime, reason: str, source_topic: str, group: str) -> FinalRecord:
    """The record of a readable dead letter: ``data`` as it came, and why, where and by which ``group`` it was given up.

    An envelope whose id belongs to another one already (``envelope.id_conflict``) is kept under its bytes.
    """
    detail = summary(envelope, at=at)
    failed = failing_step(envelope)
    if detail["failure"] is None:
        detail["failure"] = {"step": group, "index": None, "code": reason, "message": "", "normalised": ""}
    name, message = (failed[1].id, detail["failure"]["message"]) if failed else (group, "")
    return _record(
        envelope,
        id=raw_id(data) if reason == CONFLICT else envelope.id,
        outcome="dead_lettered",
        at=at,
        data=data,
        code=reason,
        fingerprint=fingerprint(name, reason, message),
        source_topic=source_topic,
        group=group,
        detail=detail,
    )


def unreadable(data: bytes, *, at: datetime, reason: str, message: str, source_topic: str, group: str) -> FinalRecord:
    """The record of bytes that are no envelope. Each distinct body is one record; the store counts the others like it."""
    failure = {"step": group, "index": None, "code": reason, "message": message[:512], "normalised": normalise(message)}
    return FinalRecord(
        id=raw_id(data),
        outcome="dead_lettered",
        at=at,
        data=data,
        code=reason,
        fingerprint=fingerprint(group or source_topic, reason, message),
        source_topic=source_topic,
        group=group,
        detail={"readable": False, "size": len(data), "failure": failure},
    )


def raw_id(data: bytes) -> str:
    """The identity of bytes that have no envelope id of their own."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _outcome(envelope: Envelope) -> FinalOutcome:
    if envelope.status == "HANDLED":
        return "handled"
    return "failed" if envelope.status == "FAILED" else "completed"


def _record(envelope: Envelope, **fields: Any) -> FinalRecord:
    common: dict[str, Any] = {
        "id": envelope.id,
        "correlation_id": envelope.correlation_id,
        "type": envelope.type,
        "replay_of": envelope.replay_of or "",
    }
    return FinalRecord(**(common | fields))
