"""The door: an outside event becomes an envelope and is on the bus before anybody is told that it was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitbrat.bus import Bus, Message
from bitbrat.codec import LIMITS, Limits, encode
from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.mint import mint
from bitbrat.envelope import Envelope, User
from bitbrat.errors import EnvelopeError
from bitbrat.hop.observer import Observer
from bitbrat.hop.sender import envelope_headers
from bitbrat.slip import forward
from bitbrat.world import World


class Ingest:
    """Mints and publishes. Raises ``BusFull``, ``BusUnavailable``, ``EnvelopeError``: then nothing was accepted."""

    def __init__(self, bus: Bus, world: World, observer: Observer, limits: Limits = LIMITS) -> None:
        self._bus = bus
        self._world = world
        self._observer = observer
        self._limits = limits

    async def __call__(
        self,
        source_event_id: str,
        event_type: str,
        payload: Mapping[str, Any],
        *,
        platform: str,
        connection: str,
        event_class: str = "event",
        channel: str = "",
        channel_id: str = "",
        user: User | None = None,
        egress_destination: str | None = None,
        simulated: bool = False,
        momentary: bool = False,
    ) -> Envelope:
        """See :meth:`bitbrat.context.ServiceContext.ingest`."""
        event = IncomingEvent(
            event_class=event_class,
            source_event_id=source_event_id or self._world.new_id(),
            type=event_type,
            channel=channel,
            channel_id=channel_id,
            platform=platform,
            payload=dict(payload),
            user=user or User(id="", name="", display_name="", profile_image_url="", role=""),
            momentary=momentary,
        )
        envelope = mint(
            event, connection=connection, egress_destination=egress_destination, now=self._world.now(), trace_id=self._world.token(16)
        )
        return await self.accept(envelope.but(simulated=True) if simulated else envelope)

    async def accept(self, envelope: Envelope) -> Envelope:
        """Publish a minted envelope to ingress; it is accepted when this returns."""
        dispatch = forward(envelope, "ingress", now=self._world.now())
        assert dispatch is not None, "ingress always has a way on"  # noqa: S101 - the law's table says so
        data = encode(dispatch.envelope)
        if len(data) > self._limits.content:
            raise EnvelopeError("envelope.too_large", f"the envelope would have {len(data)} bytes, the limit is {self._limits.content}")
        receipt = await self._bus.publish(dispatch.topic, Message(dispatch.wire_id, data, envelope_headers(envelope, dispatch.wire_id)))
        if receipt.duplicate:
            self._observer.duplicate(dispatch.topic)
        else:
            self._observer.accepted(envelope)
        return dispatch.envelope
