"""What somebody said, ready for matching: the text, its first word, and the rest.

Invisible characters (zero width, bidi marks, tags: chat clients add them to get past the duplicate check) are taken out and the
text is put in Unicode's composed form, so that what looks like ``!ping`` matches ``!ping``. The raw text stays in ``payload.text``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

_ZERO_WIDTH_JOINER = "\u200d"
_FILLERS = "\u034f\u115f\u1160\u3164\uffa0"


class Spoken(NamedTuple):
    """``text`` is all of it; ``command`` is the first word and ``args`` what follows, after a reply's leading mention."""

    text: str
    command: str
    args: str


def visible(text: str) -> str:
    """``text`` composed (NFC) and without invisible characters. A joiner inside an emoji is kept."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", "".join(c for c in text if not _invisible(c)))


def _invisible(character: str) -> bool:
    if character in _FILLERS or "\U000e0000" <= character <= "\U000e0fff":
        return True
    return character != _ZERO_WIDTH_JOINER and unicodedata.category(character) == "Cf"


def spoken(payload: Mapping[str, Any]) -> Spoken:
    """What a payload's ``text`` says. A payload without text says nothing.

    In a shared chat, what was said in another channel is text and no command: a bot in both channels would answer twice.
    """
    raw = payload.get("text")
    text = visible(raw) if isinstance(raw, str) else ""
    said = text.lstrip()
    if payload.get("reply") and said.startswith("@"):
        said = said.partition(" ")[2].lstrip()
    command, _, args = said.replace("\t", " ").partition(" ")
    here = not payload.get("sourceChannelId")
    return Spoken(text, command.strip().strip(_ZERO_WIDTH_JOINER) if here else "", args.strip().strip(_ZERO_WIDTH_JOINER))
