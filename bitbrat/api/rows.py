"""Final records as JSON for lists and for the whole of one. Pure."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from bitbrat.codec import decode
from bitbrat.envelope import format_time, parse_time
from bitbrat.errors import BitBratError
from bitbrat.store import FinalRecord

_DETAIL = ("source", "user", "text", "rule", "steps", "replies", "failure", "totalMs", "simulated")


def row(record: FinalRecord) -> dict[str, Any]:
    """What a list shows of a message that has ended."""
    named = {
        "id": record.id,
        "correlationId": record.correlation_id,
        "type": record.type,
        "outcome": record.outcome,
        "state": record.state,
        "at": format_time(record.at),
        "code": record.code,
        "group": record.fingerprint,
        "replayOf": record.replay_of,
        "replays": record.replays,
        "surplus": record.surplus,
        "sourceTopic": record.source_topic,
    }
    return {**named, **{name: record.detail[name] for name in _DETAIL if name in record.detail}}


def whole(record: FinalRecord) -> dict[str, Any]:
    """The row, and the original: as JSON where it can be read, as base64 always."""
    try:
        envelope = decode(record.data).to_wire()
    except BitBratError:
        envelope = None
    return {**row(record), "envelope": envelope, "bytes": len(record.data), "data": base64.b64encode(record.data).decode("ascii")}


def cursor(record: FinalRecord) -> str:
    """The place of a record in a list by time."""
    return f"{format_time(record.at)},{record.id}"


def place(text: str) -> tuple[datetime, str] | None:
    """What a cursor stands for; None for the beginning. Raises ``ValueError``."""
    if not text:
        return None
    at, _, identity = text.partition(",")
    return parse_time(at), identity
