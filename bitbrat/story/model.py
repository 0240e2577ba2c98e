"""What a story is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bitbrat.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the waterfall: ``offset_ms`` after the event was received (None: it never began), and how long it took."""

    offset_ms: float | None
    name: str
    status: str
    duration_ms: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """For ``--json`` and the API."""
        return {
            "offsetMs": self.offset_ms,
            "name": self.name,
            "status": self.status,
            "durationMs": self.duration_ms,
            "note": self.note,
        }


@dataclass(frozen=True)
class Story:
    """``headline`` names the event and its state, ``sentence`` tells it, ``rows`` is the waterfall, ``why`` the rule's explanation.

    ``envelope`` is None for bytes that nobody can read. ``incomplete`` says what is still awaited, or is empty. ``next`` are
    commands to run now.
    """

    id: str
    headline: str
    sentence: str
    rows: tuple[Row, ...] = ()
    why: tuple[dict[str, Any], ...] = ()
    next: tuple[str, ...] = ()
    incomplete: str = ""
    envelope: Envelope | None = None
    record: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For ``bitbrat trace --json``; ``routingSlip`` is the slip as it was at the end."""
        wire = self.envelope.to_wire() if self.envelope is not None else {}
        return {
            "id": self.id,
            "headline": self.headline,
            "story": self.sentence,
            "incomplete": self.incomplete,
            "waterfall": [row.to_json() for row in self.rows],
            "why": list(self.why),
            "next": list(self.next),
            "record": self.record,
            "routingSlip": wire.get("routingSlip", []),
            "envelope": wire or None,
        }
