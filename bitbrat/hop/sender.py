"""What has been decided goes out: dispatches become messages, and unreadable bytes become dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from bitbrat import bus as headers
from bitbrat.bus import Bus, Delivery, Message
from bitbrat.codec import LIMITS, Limits, encode
from bitbrat.envelope import Envelope
from bitbrat.errors import BusFull, EnvelopeError
from bitbrat.hop.observer import Observer
from bitbrat.outcome import Dispatch
from bitbrat.store import Hop, Outgoing
from bitbrat.topics import DLQ


class Sender:
    """Encodes and publishes. ``limits`` in bytes."""

    def __init__(self, bus: Bus, observer: Observer, limits: Limits = LIMITS) -> None:
        self._bus = bus
        self._observer = observer
        self.limits = limits

    def outgoing(self, dispatch: Dispatch, *, hop: Hop | None, source_topic: str = "", group: str = "") -> Outgoing:
        """The outbox row of ``dispatch``. Raises ``envelope.too_large``."""
        envelope = dispatch.envelope
        data = encode(envelope)
        if len(data) > self.limits.content:
            self._check_size(envelope, len(data))
        named = envelope_headers(envelope, dispatch.wire_id)
        if dispatch.topic == DLQ:
            named |= {headers.REASON: dispatch.reason or "", headers.SOURCE_TOPIC: source_topic, headers.GROUP: group}
        return Outgoing(dispatch.wire_id, dispatch.topic, data, named, dispatch.not_before, hop)

    def _check_size(self, envelope: Envelope, size: int) -> None:
        """The content is everything but the slip and the trail, which are the platform's own."""
        content = len(encode(envelope.but(routing_slip=(), trail=())))
        if content > self.limits.content or size > self.limits.message:
            raise EnvelopeError(
                "envelope.too_large", f"the envelope would have {size} bytes ({content} of content), the limit is {self.limits.content}"
            )

    async def send(self, rows: Sequence[Outgoing]) -> list[str]:
        """Publish ``rows`` and return the wire ids that the bus has stored.

        A full ingress topic keeps back only what was meant for it: those rows wait in the outbox. Raises
        ``BusUnavailable`` and ``BusError``.
        """
        sent = []
        for row in rows:
            try:
                receipt = await self._bus.publish(row.topic, Message(row.wire_id, row.data, row.headers))
            except BusFull:
                continue
            if receipt.duplicate:
                self._observer.duplicate(row.topic)
            sent.append(row.wire_id)
        return sent

    async def dead_letter(self, delivery: Delivery, *, group: str, code: str, message: str) -> None:
        """Publish the bytes as they came to the dead letters, wait for the bus's word, then settle."""
        self._observer.refused(delivery.topic, code, message)
        identity = raw_id(delivery.data)
        named = {headers.WIRE_ID: identity, headers.REASON: code, headers.SOURCE_TOPIC: delivery.topic, headers.GROUP: group}
        await self._bus.publish(DLQ, Message(identity, delivery.data, named))
        await delivery.ack()


def raw_id(data: bytes) -> str:
    """The identity of bytes that have no envelope id."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def envelope_headers(envelope: Envelope, wire_id: str) -> dict[str, str]:
    """The headers of a message, from the envelope's own identity only; a correlation id that is not ASCII stays inside."""
    named = {headers.WIRE_ID: wire_id, headers.ENVELOPE_ID: envelope.id, headers.TYPE: envelope.type}
    correlation = envelope.correlation_id
    if correlation.isascii() and correlation.isprintable():
        named[headers.CORRELATION_ID] = correlation
    return named


def due(row: Outgoing, now: datetime) -> bool:
    """Whether a row may be published now."""
    return row.not_before is None or row.not_before <= now
