"""Text from outside made harmless for a log: no line breaks, no terminal commands, no reversed text, no novels."""

from __future__ import annotations

import re

MAX_TEXT = 512
"""Characters of a text that are written; the contract of the logs."""

# C0, DEL and C1 (line breaks and the beginning of every terminal command), the line and paragraph separators, the marks that
# turn the direction of what follows, the invisible joiner and mark that hide text, half surrogates (not encodable).
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb]")


def escape(text: str, *, limit: int = MAX_TEXT) -> str:
    """``text`` with harmful characters written as ``\\n`` or ``\\u202e``, cut to ``limit`` characters (``…`` says so)."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return _HARMFUL.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _SHORT.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


_SHORT = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
