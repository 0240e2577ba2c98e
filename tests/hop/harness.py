"""A process with one step under test, on a memory bus and store, and a look at what it sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bitbrat import Envelope, Service
from bitbrat.adapters.memory_bus import MemoryBus
from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.bus import Message
from bitbrat.codec import decode, encode
from bitbrat.hop import Silent
from bitbrat.hop.observer import HopEnd
from bitbrat.runtime import Options, Runtime, build
from bitbrat.slip import onward
from bitbrat.testing import an_envelope
from bitbrat.topics import COMPLETE, DLQ, Topic
from bitbrat.world import RealWorld


@dataclass
class Seen(Silent):
    """What the hops told."""

    ends: list[HopEnd] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    forbiddens: list[str] = field(default_factory=list)
    repeats: int = 0
    troubles: list[BaseException] = field(default_factory=list)

    def ended(self, end: HopEnd) -> None:
        """Keep how a hop ended."""
        self.ends.append(end)

    def refused(self, topic: str, code: str, message: str) -> None:
        """Keep where a message was refused, and under which code."""
        self.refusals.append((topic, code))

    def forbidden(self, topic: str, code: str, envelope_id: str) -> None:
        """Keep which topic was forbidden."""
        self.forbiddens.append(topic)

    def repeated(self, group: str) -> None:
        """Count the deliveries of hops that were done already."""
        self.repeats += 1

    def trouble(self, where: str, error: BaseException) -> None:
        """Keep what went wrong around a hop."""
        self.troubles.append(error)


@dataclass
class Bench:
    """The process under test."""

    runtime: Runtime
    seen: Seen

    async def send(self, envelope: Envelope, *, again: str = "") -> None:
        """Publish ``envelope`` to its current step; ``again`` makes the bus take it for another message."""
        dispatch = onward(envelope)
        await self.publish(dispatch.topic, encode(envelope), dispatch.wire_id + again)

    async def publish(self, topic: str, data: bytes, identity: str) -> None:
        """Publish any bytes."""
        await self.runtime.bus.publish(topic, Message(identity, data, {}))

    async def taken(self, topic: str, *, seconds: float = 5.0) -> Any:
        """The next delivery on ``topic``, acknowledged."""
        deliveries: Any = self.runtime.bus.consume(topic, f"test-{topic}", max_in_flight=1)
        try:
            async with asyncio.timeout(seconds):
                delivery = await anext(deliveries)
            await delivery.ack()
            return delivery
        finally:
            await deliveries.aclose()

    async def arrived(self, topic: str = COMPLETE) -> Envelope:
        """The next envelope on ``topic``."""
        return decode((await self.taken(topic)).data)

    async def dead(self) -> Any:
        """The next dead letter."""
        return await self.taken(DLQ)

    async def quiet(self, count: int, *, seconds: float = 5.0) -> None:
        """Wait until ``count`` hops have ended."""
        async with asyncio.timeout(seconds):
            while len(self.seen.ends) < count:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def bench(*services: Service, topics: Sequence[str] = (), options: Options | None = None, store: Any = None) -> AsyncIterator[Bench]:
    """``services``, running; ``topics`` are further step topics of the deployment."""
    world, seen = RealWorld(), Seen()
    runtime = build(
        services,
        bus=MemoryBus(world),
        store=store or MemoryStore(world),
        world=world,
        observer=seen,
        options=options or replace(Options(), relay_poll=0.05, relay_grace=0.1),
    )
    for topic in topics:
        runtime.registry.add(Topic(topic, "step"))
    await runtime.start()
    try:
        yield Bench(runtime, seen)
    finally:
        await runtime.stop()


def message(*slip: str, **changes: Any) -> Envelope:
    """An envelope with this slip whose id is its own."""
    return an_envelope(slip=list(slip), **{"id": RealWorld().new_id(), **changes})
