"""One message in hand on a NATS bus, and all that are in hand, the one whose lease ends next first."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Protocol

import nats.errors
from nats.aio.msg import Msg

from bitbrat.adapters.nats_link import Link
from bitbrat.adapters.nats_names import deliveries_of
from bitbrat.adapters.nats_publish import DEDUPE_HEADER
from bitbrat.adapters.nats_shapes import nanos
from bitbrat.bus import ALLOWED_HEADERS, WIRE_ID
from bitbrat.errors import BusUnavailable
from bitbrat.world import World


class Taker(Protocol):
    """Who has taken a message: told when it has one less."""

    def one_less(self) -> None:
        """One in hand is settled, or its lease is over."""
        ...


class Hands:
    """Every message that was handed out and is not settled. ``lease`` in seconds."""

    def __init__(self, link: Link, world: World, lease: float) -> None:
        self.world = world
        self.lease = lease
        self._link = link
        self._held: dict[NatsDelivery, float] = {}

    def take(self, delivery: NatsDelivery) -> None:
        """Its lease begins, or begins anew."""
        self._held.pop(delivery, None)
        self._held[delivery] = self.world.monotonic() + self.lease

    def let_go(self, delivery: NatsDelivery) -> bool:
        """It is in nobody's hand; whether it was."""
        return self._held.pop(delivery, None) is not None

    def tick(self, now: float) -> None:
        """Take away what was held too long: the server hands it to somebody else."""
        for delivery, until in list(self._held.items()):
            if until > now:
                break
            delivery.lose()

    async def put_back(self) -> None:
        """Everything goes back, at once."""
        for delivery in list(self._held):
            with contextlib.suppress(BusUnavailable):
                await delivery.nak(delay=0.0)

    async def say(self, subject: str, word: bytes) -> None:
        """One of JetStream's words for a message. Raises ``bus.unavailable``; a closed connection needs no word."""
        client = self._link.client
        if client is None or client.is_closed:
            return  # the server takes it back by itself
        try:
            await client.publish(subject, word)
        except (nats.errors.Error, OSError):
            raise BusUnavailable("bus.unavailable", "the NATS server does not answer; the message will come again") from None

    def __contains__(self, delivery: object) -> bool:
        return delivery in self._held

    def __len__(self) -> int:
        return len(self._held)


class NatsDelivery:
    """A :class:`bitbrat.bus.Delivery`. Settled by the first word of its holder; a lost lease lets only ack and term through."""

    __slots__ = ("_ack", "_hands", "_lost", "_settled", "_taker", "data", "deliveries", "headers", "topic")

    def __init__(self, hands: Hands, taker: Taker, topic: str, message: Msg) -> None:
        self._hands = hands
        self._taker = taker
        self._ack = message.reply
        self._settled = self._lost = False
        self.topic = topic
        self.data = message.data
        self.headers: Mapping[str, str] = _headers(message.headers or {})
        self.deliveries = deliveries_of(message.reply)

    async def ack(self) -> None:
        """Done: it never comes back. Also true, and said, when the lease is over: what it led to is stored."""
        await self._settle(b"+ACK", also_when_lost=True)

    async def nak(self, *, delay: float) -> None:
        """Not now: it comes back to the group, not before ``delay`` seconds have passed."""
        await self._settle(b"-NAK " + json.dumps({"delay": nanos(delay)}).encode() if delay > 0 else b"-NAK")

    async def term(self) -> None:
        """Never again, and not done."""
        await self._settle(b"+TERM", also_when_lost=True)

    async def extend(self) -> None:
        """Still at work: the lease starts anew. Harmless when it is settled or lost."""
        if not self._settled and not self._lost:
            if self in self._hands:
                self._hands.take(self)
            await self._hands.say(self._ack, b"+WPI")

    def lose(self) -> None:
        """The lease is over."""
        self._lost = True
        if self._hands.let_go(self):
            self._taker.one_less()

    async def _settle(self, word: bytes, *, also_when_lost: bool = False) -> None:
        if self._settled:
            return
        self._settled = True
        if self._hands.let_go(self):
            self._taker.one_less()
        if also_when_lost or not self._lost:
            await self._hands.say(self._ack, word)


def _headers(found: Mapping[str, object]) -> dict[str, str]:
    """Ours among the headers, and the wire id under our name."""
    ours = {name: str(value) for name, value in found.items() if name in ALLOWED_HEADERS}
    if DEDUPE_HEADER in found:
        ours[WIRE_ID] = str(found[DEDUPE_HEADER])
    return ours
