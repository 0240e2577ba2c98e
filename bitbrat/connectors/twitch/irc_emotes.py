"""Where the emotes of a message stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_SPAN = re.compile(r"(-?[0-9]{1,9})-(-?[0-9]{1,9})")


def emotes(raw: str, text: str) -> list[dict[str, Any]]:
    """The emotes of ``text``, by start: ``{id, start, end, text}``, counted in code points, ``end`` inclusive.

    ``raw`` is the tag, ``id:start-end,start-end/id:…``. Old messages carry wrong positions: what reaches over the text is
    cut to it, what lies outside is left out, and what cannot be read as well.
    """
    last = len(text) - 1
    cut = ((emote, max(start, 0), min(end, last)) for emote, start, end in _spans(raw))
    inside = sorted((found for found in cut if found[1] <= found[2]), key=lambda found: found[1])
    return [{"id": emote, "start": start, "end": end, "text": text[start : end + 1]} for emote, start, end in inside]


def _spans(raw: str) -> Iterator[tuple[str, int, int]]:
    for group in raw.split("/") if raw else ():
        emote, _, spans = group.rpartition(":")
        found = (_SPAN.fullmatch(span) for span in spans.split(",") if emote)
        yield from ((emote, int(span[1]), int(span[2])) for span in found if span and int(span[1]) <= int(span[2]))
