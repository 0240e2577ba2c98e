"""What a connector has understood, before it becomes an envelope."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bitbrat.envelope import User


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingEvent:
    """One outside event: what happened, where, who did it. Ingress mints an envelope from it.

    ``event_class`` and ``source_event_id`` (``chat`` and the platform's message id, say) name the event for good: seen
    twice, it is one envelope. ``source_time`` is the platform's own time, None when it gave none. ``momentary`` is set
    when the platform gave neither id nor time, so that only what the event says can tell it from another.
    """

    event_class: str
    source_event_id: str
    type: str
    channel: str
    channel_id: str
    platform: str
    payload: dict[str, Any] = field(default_factory=dict)
    user: User = field(default_factory=User)
    source_time: datetime | None = None
    momentary: bool = False
