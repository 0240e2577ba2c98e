"""A span of time in words."""

from __future__ import annotations

from datetime import datetime

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def spoken_span(start: datetime | None, end: datetime) -> str:
    """From ``start`` to ``end`` in its two largest units: ``2 h 5 min``. Nothing known is no time."""
    seconds = max(int((end - start).total_seconds()), 0) if start else 0
    parts: list[tuple[int, str]] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count) or "0 s"
