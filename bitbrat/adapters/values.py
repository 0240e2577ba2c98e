"""JSON text and times, as every store writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from bitbrat.errors import StoreError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PREFIX_LENGTH = 8
"""How much of an id is enough to look for it."""

_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


def to_json(value: Any) -> str:
    """JSON text, ASCII only. Raises ``store.bad_value`` for what is not JSON (NaN, bytes, a set, a date)."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as exc:
        raise StoreError("store.bad_value", f"not a JSON value: {exc}") from exc


def ascii_json(text: str) -> Any:
    """The value of JSON text that ``to_json`` made. Raises ``ValueError`` or ``TypeError`` for anything else."""
    if not text.isascii():
        raise ValueError("not ASCII")
    return json.loads(text)


def check_name(collection: str, key: str) -> None:
    """Refuse names that some database cannot keep. Raises ``store.bad_value``."""
    try:
        size = max(len(collection.encode()), len(key.encode()))
    except UnicodeEncodeError:
        size = 0
    if not collection or not key or not 0 < size <= 512 or "\x00" in collection or "\x00" in key:
        raise StoreError(
            "store.bad_value", f"a document's name has 1 to 512 bytes of UTF-8 and no NUL, this is {collection!r:.40} {key!r:.80}"
        )


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment_of(value: int) -> datetime:
    """The UTC time of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)
