"""A copy of a text for comparing: the user's own text is kept as it was sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""What Unicode calls default ignorable: zero width, joiners, direction marks, variation selectors, tags."""


def normalise(text: str) -> str:
    """``text`` for matching: look-alike forms made one (NFKC), case folded, invisible characters and outer space gone.

    Full-width ``！ＰＩＮＧ``, ``!p<zero width>ing`` and ``!PING`` with an invisible tail all become ``!ping``. Letters of
    different scripts stay different. Doing it twice changes nothing. Source: Unicode 15, D146 (caseless matching).
    """
    if text.isascii():
        return text.lower().strip()
    while (again := _once(text)) != text:
        text = again
    return text


def _once(text: str) -> str:
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text).casefold())).strip()


def without_mention(payload: Mapping[str, Any]) -> str:
    """The text of a chat payload in which to look for a command.

    Twitch puts ``@Parent `` before a reply's words. It stays in ``text``; here it is left out, only where ``reply`` is set.
    """
    text = payload.get("text")
    if not isinstance(text, str):
        return ""
    if payload.get("reply") and text.startswith("@"):
        return text.partition(" ")[2].lstrip()
    return text
