"""An event's fields as one line: JSON for machines, plain text for a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bitbrat.telemetry.escape import escape
from bitbrat.telemetry.names import LEVEL, MSG, SERVICE, TS

Redact = Callable[[str, str], str]
"""``redact(key, text)``: the text without secrets; ``key`` is the field's name, which may say that all of it is one."""

MAX_DEPTH = 4
MAX_ITEMS = 32

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def nothing_secret(_key: str, text: str) -> str:
    """A redactor for processes that loaded no secret: the text as it is."""
    return text


def harmless(key: str, value: Any, redact: Redact, depth: int = 0) -> Any:
    """``value`` as something JSON can hold, without secrets and harmful characters, bounded in size and depth."""
    kind = type(value)
    if kind is str:
        return escape(redact(key, value))
    if value is None or kind is int or kind is bool or (kind is float and math.isfinite(value)):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {escape(str(name)): harmless(str(name), item, redact, depth + 1) for name, item in list(value.items())[:MAX_ITEMS]}
    if depth < MAX_DEPTH and isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [harmless(key, item, redact, depth + 1) for item in list(value)[:MAX_ITEMS]]
    return escape(redact(key, str(value) if isinstance(value, str | BaseException) else repr(value)))


def as_json(fields: Mapping[str, Any]) -> str:
    """One JSON object, without a line break."""
    return _encode(fields)


def as_text(fields: Mapping[str, Any]) -> str:
    """``12:04:11 warning auth  what happened  key=value …``"""
    head = f"{str(fields.get(TS, ''))[11:19]} {fields.get(LEVEL, ''):<7} {fields.get(SERVICE, '')}  {fields.get(MSG, '')}"
    rest = (f"{key}={_plain(value)}" for key, value in fields.items() if key not in (TS, LEVEL, SERVICE, MSG) and value not in (None, ""))
    return "  ".join((head, *rest))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value, ensure_ascii=False)
