"""A consumer goes on, whatever happens to one of its deliveries."""

from __future__ import annotations

import asyncio
from typing import Any

from bitbrat import Next, Service, Unavailable
from bitbrat.adapters.memory_bus import MemoryBus
from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.bus import Message
from bitbrat.codec import encode
from bitbrat.errors import BusUnavailable
from bitbrat.runtime import build, running
from bitbrat.slip import onward
from bitbrat.world import RealWorld
from tests.hop.harness import Seen, message


class CannotPutBack:
    """A delivery of a bus that has gone away: it cannot be put back."""

    def __init__(self, delivery: Any) -> None:
        self._delivery = delivery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._delivery, name)

    async def nak(self, *, delay: float) -> None:
        """Refused."""
        raise BusUnavailable("bus.unavailable", "the bus does not answer")


class GoneForAMoment(MemoryBus):
    """A bus whose first delivery on a step's topic cannot be put back."""

    first = True

    async def consume(self, topic: str, group: str, *, max_in_flight: int) -> Any:
        """Deliveries, of which the first is such a one."""
        async for delivery in super().consume(topic, group, max_in_flight=max_in_flight):
            broken = self.first and topic == "internal.one.v1"
            if broken:
                self.first = False
            yield CannotPutBack(delivery) if broken else delivery


async def test_a_delivery_that_cannot_be_put_back_costs_no_slot():
    """The bus hands it out again when its lease is over; what comes behind it is run meanwhile."""
    service, world, seen, ran = Service("one"), RealWorld(), Seen(), []

    @service.step("internal.one.v1", concurrency=1)
    async def handler(envelope, ctx):
        if not ran:
            ran.append("first")
            raise Unavailable("something", "it is down")
        ran.append("second")
        return Next()

    async with running(build([service], bus=GoneForAMoment(world), store=MemoryStore(world), world=world, observer=seen)) as runtime:
        for envelope in (message("one"), message("one")):
            dispatch = onward(envelope)
            await runtime.bus.publish(dispatch.topic, Message(dispatch.wire_id, encode(envelope), {}))
        async with asyncio.timeout(10):
            while len(ran) < 2:
                await asyncio.sleep(0.01)

    assert ran == ["first", "second"]
    assert isinstance(seen.troubles[-1], BusUnavailable)
