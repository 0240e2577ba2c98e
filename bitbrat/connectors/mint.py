"""An outside event becomes an envelope: the id, the source and the empty slip are ours, never the sender's.

Source: ``docs/reference/contract.md`` §1 (id) and §5 ("everything else is minted by us").
"""

from __future__ import annotations

from datetime import datetime

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.envelope import Envelope, Source
from bitbrat.topics import COMPLETE
from bitbrat.world import named_id

MOMENT = 30
"""Seconds within which the same words are the same event when the platform gave neither id nor time. Twitch itself
refuses the same text in the same channel for as long."""


def mint(event: IncomingEvent, *, connection: str, egress_destination: str | None, now: datetime, trace_id: str) -> Envelope:
    """The envelope of ``event`` as it came through ``connection``, a configured name.

    The same event gives the same id on every replica and after every restart. Replies will go to ``egress_destination``.
    The slip is empty: the router writes it; ``slip.forward`` says where the envelope goes first.
    """
    envelope_id = named_id(event_name(event, connection, now))
    return Envelope(
        v="1",
        id=envelope_id,
        correlation_id=envelope_id,
        trace_id=trace_id,
        timestamp=now,
        type=event.type,
        source=_source(event, connection, egress_destination),
        user=event.user,
        routing_slip=(),
        finalization_destination=COMPLETE,
        payload=event.payload,
    )


def event_name(event: IncomingEvent, connection: str, now: datetime) -> str:
    """``<connection>:<class>:<source event id>``, with the moment added for an event that has nothing else to tell it."""
    moment = f"@{int(now.timestamp()) // MOMENT}" if event.momentary else ""
    return f"{connection}:{event.event_class}:{event.source_event_id}{moment}"


def _source(event: IncomingEvent, connection: str, egress_destination: str | None) -> Source:
    known = {"egress_destination": egress_destination} if egress_destination else {}
    return Source(platform=event.platform, channel=event.channel, channel_id=event.channel_id, connection_id=connection, **known)
