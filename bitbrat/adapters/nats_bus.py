"""The bus on a NATS server with JetStream: many processes, on many machines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from bitbrat.adapters import nats_shapes as shapes
from bitbrat.adapters.consuming import nothing
from bitbrat.adapters.delivering import Handed
from bitbrat.adapters.nats_api import Api
from bitbrat.adapters.nats_consume import NatsConsumption, Source
from bitbrat.adapters.nats_delivery import Hands, NatsDelivery
from bitbrat.adapters.nats_link import HEADERS_AND_MORE, Link
from bitbrat.adapters.nats_names import Names, Reader
from bitbrat.adapters.nats_publish import Outgoing, Publisher
from bitbrat.adapters.nats_topology import Topology
from bitbrat.bus import Capabilities, Message, Receipt, check_message
from bitbrat.config.nats import NatsSettings
from bitbrat.config.urls import Location
from bitbrat.errors import BitBratError, BusError
from bitbrat.topics import Topic, TopicClass
from bitbrat.world import World

LARGEST = 900 * 1024
"""The largest message, where the server takes that much."""

NEEDED = 320 * 1024
"""What a server must take: an envelope of 256 KiB, and what the platform adds to it."""

TICKS_PER_LEASE, LONGEST_TICK = 10, 1.0
FINISH_WITHIN = 2.0


class NatsBus:
    """A :class:`bitbrat.bus.Bus` on the server at ``place``. Times in seconds; connects when it is first used, and for ever again.

    ``prefix`` keeps deployments apart that share a server. ``ingress_messages`` limits the door by number, besides by bytes.
    """

    def __init__(
        self,
        place: Location,
        world: World,
        settings: NatsSettings | None = None,
        *,
        prefix: str = "",
        lease: float = 30.0,
        dedupe_window: float = 120.0,
        ingress_messages: int = -1,
    ) -> None:
        settings = settings or NatsSettings()
        shape = shapes.Shape(
            lease=lease,
            dedupe_window=dedupe_window,
            ingress_bytes=settings.ingress_bytes,
            ingress_messages=ingress_messages,
            log_age=settings.log_days * 86_400.0,
            replicas=settings.replicas,
        )
        self._world = world
        self._names = Names(prefix)
        self._link = Link(place, settings, world, needed=NEEDED)
        self._link.on_lost, self._link.on_back = self._lost, self._lost
        self._topology = Topology(Api(self._link), self._names, shape, world)
        self._publisher = Publisher(self._link, world, patience=settings.publish_seconds)
        self._hands = Hands(self._link, world, lease)
        self._shape = shape
        self._consumers: set[NatsConsumption] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do; ``max_size`` is less where the server takes less."""
        largest = min(LARGEST, self._link.max_payload - HEADERS_AND_MORE)
        return Capabilities("nats", True, True, self._shape.lease, self._shape.dedupe_window, largest)

    async def ensure(self, topics: Iterable[Topic]) -> None:
        """Create what is missing, then compare what the server reports with what was asked."""
        await self._open()
        await self._topology.ensure(topics)

    async def topics(self) -> Mapping[str, TopicClass]:
        """Every topic on the server that is ours, whichever process made it."""
        await self._open()
        return dict(await self._topology.read())

    async def publish(self, topic: str, message: Message) -> Receipt:
        """Return once ``message`` is stored."""
        return (await self.publish_many(((topic, message),)))[0]

    async def publish_many(self, items: Sequence[tuple[str, Message]]) -> list[Receipt]:
        """Like ``publish`` for each, without waiting for one before the next is sent."""
        await self._open()
        limit = self.capabilities.max_size
        going = []
        for topic, message in items:
            check_message(message, limit=limit)
            kind = self._topology.known.get(topic) or await self._topology.kind_of(topic)
            going.append(Outgoing(self._names.subject(topic), kind == "ingress", message, topic))
        return await self._publisher.publish(going)

    def consume(self, topic: str, group: str, *, max_in_flight: int) -> AsyncIterator[NatsDelivery | Handed]:
        """Deliveries for ``group`` until it is closed. What is wrong is raised with the first one."""
        if self._closing is not None:
            return nothing()
        reader = Reader(topic, group)
        source = Source(self._link, self._hands, self._world, reader, self._topology.attach, self._consumers.discard)
        consumer = NatsConsumption(source, max_in_flight=max_in_flight)
        self._consumers.add(consumer)
        return consumer

    async def healthy(self) -> bool:
        """Whether a publish would work now: the server answers, and what this process uses is there as it was made."""
        if self._closing is not None or (self._link.client is not None and not self._link.up.is_set()):
            return False
        try:
            await self._open()
            await self._topology.check()
        except BitBratError:
            return False
        return True

    async def close(self) -> None:
        """Stop consuming, put back what is in hand, wait for the answers to what is under way, disconnect. Idempotent."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await asyncio.gather(*(consumer.aclose() for consumer in list(self._consumers)), self._publisher.finish(FINISH_WITHIN))
        await self._hands.put_back()
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        await self._link.close()

    async def _open(self) -> None:
        if self._closing is not None:
            raise BusError("bus.closed", "the bus is closed")
        await self._link.open()
        if self._ticking is None:
            self._ticking = asyncio.get_running_loop().create_task(self._tick(), name="nats-tick")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(min(self._shape.lease / TICKS_PER_LEASE, LONGEST_TICK))
            now = self._world.monotonic()
            self._hands.tick(now)
            self._publisher.tick(now)
            for consumer in list(self._consumers):
                with contextlib.suppress(BitBratError):
                    await consumer.tick(now)

    def _lost(self) -> None:
        self._publisher.lose()
        for consumer in list(self._consumers):
            consumer.lose()
