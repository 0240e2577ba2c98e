"""Which failures belong together: the same step, the same code, and the same message once ids and numbers are taken out."""

from __future__ import annotations

import hashlib
import re

MAX_MESSAGE = 200

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_HEX = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_PLACE = re.compile(r"(?P<file>[\w./-]+\.py):\d+")
_SPACE = re.compile(r"\s+")


def normalise(message: str) -> str:
    """``message`` without what differs from one occurrence to the next: ids become ``<id>``, numbers ``<n>``; at most 200 characters."""
    text = _PLACE.sub(lambda place: place["file"], message[: 4 * MAX_MESSAGE])
    text = _HEX.sub("<id>", _UUID.sub("<id>", text))
    return _SPACE.sub(" ", _NUMBER.sub("<n>", text)).strip()[:MAX_MESSAGE]


def fingerprint(step: str, code: str, message: str) -> str:
    """The name of a group of failures: ``F-`` and 8 hex digits. Equal for equal ``step``, ``code`` and normalised ``message``."""
    name = "\x00".join((step, code, normalise(message)))
    return f"F-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
