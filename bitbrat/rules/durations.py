"""Durations as people write them: ``500ms``, ``5s``, ``2m``, ``1h30m``, ``1d``."""

from __future__ import annotations

import re

MAX_SECONDS = 30 * 86_400.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_WHOLE = re.compile(r"(?:\d{1,7}(?:ms|s|m|h|d)){1,4}\Z", re.ASCII)
_PART = re.compile(r"(\d{1,7})(ms|s|m|h|d)", re.ASCII)


def parse_duration(text: object) -> float:
    """Seconds in ``text``. Raises ``ValueError`` with a sentence for anything but a duration of at most 30 days."""
    if not isinstance(text, str) or _WHOLE.match(text) is None:
        raise ValueError("write a duration with its unit, such as 500ms, 5s, 2m or 1h30m")
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))
    if seconds > MAX_SECONDS:
        raise ValueError("the longest duration is 30d")
    return seconds
