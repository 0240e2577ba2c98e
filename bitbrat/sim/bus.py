"""The simulated bus as one process sees it: a connection to the broker, which may lose what is said on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bitbrat.bus import Capabilities, Message, Receipt, check_message
from bitbrat.errors import BusError, BusUnavailable
from bitbrat.sim.broker import Broker, Entry, Line
from bitbrat.sim.loop import INCARNATION
from bitbrat.sim.world import SimWorld
from bitbrat.topics import Topic, TopicClass

PATIENCE = 2.0
"""Seconds after which a publish whose answer does not come is given up."""


class SimDelivery:
    """A message in hand. The first word counts; whether the broker hears it is another matter."""

    def __init__(self, entry: Entry, consumption: Consumption, world: SimWorld) -> None:
        self.data = entry.letter.data
        self.headers = entry.letter.headers
        self.topic = entry.line.topic
        self.deliveries = entry.deliveries
        self.entry = entry
        self._taken = entry.taken
        self._consumption = consumption
        self._world = world
        self._settled = False

    async def ack(self) -> None:
        """See the port."""
        if self._let_go():
            await self._world.io()
            if not self._world.faults.hit("ack_lost"):
                self._broker.ack(self.entry)

    async def term(self) -> None:
        """See the port."""
        await self.ack()

    async def nak(self, *, delay: float) -> None:
        """See the port."""
        if self._let_go():
            if self._is_early():
                self._world.sometimes("early retry put back")
            await self._world.io()
            if not self._world.faults.hit("nak_lost"):
                self._broker.put_back(self.entry, self._taken, delay)

    async def extend(self) -> None:
        """See the port."""
        if not self._settled and self.entry.state == "taken" and self.entry.taken == self._taken:
            self._broker.begin_lease(self.entry, self._broker.lease)

    def _is_early(self) -> bool:
        if b'"notBefore"' not in self.data:
            return False
        steps = json.loads(self.data)["routingSlip"]
        current: dict[str, Any] = next((step for step in steps if step["status"] == "PENDING"), {})
        until = current.get("attributes", {}).get("notBefore")
        return until is not None and datetime.fromisoformat(until) > self._world.now()

    def _let_go(self) -> bool:
        first, self._settled = not self._settled, True
        if first:
            self._consumption.settled(self._taken, self.entry)
        return first

    @property
    def _broker(self) -> Broker:
        return self._consumption.broker


class Consumption:
    """One consumer: takes a message only when it is asked for one."""

    home: SimBus

    def __init__(self, broker: Broker, line: Line, *, limit: int, world: SimWorld) -> None:
        self.broker = broker
        self.owner = INCARNATION.get()
        self.name = self.owner.name if self.owner else "outside"
        self.ended = False
        self._line = line
        self._limit = limit
        self._world = world
        self._in_flight: dict[tuple[int, int], Entry] = {}
        self._box: Entry | None = None
        self._bell: asyncio.Future[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether there is somebody to hand a message to."""
        return not self.ended and not (self.owner is not None and self.owner.dead)

    def __aiter__(self) -> Consumption:
        return self

    async def __anext__(self) -> SimDelivery:
        while not self.ended:
            hungry = len(self._in_flight) < self._limit
            if hungry and self._box is None and self._line.ready:
                self.give(self.broker.hand_out(self._line, self))
            if self._box is not None:
                entry, self._box = self._box, None
                self._world.always(len(self._in_flight) <= self._limit, "RESOURCE", f"{self._line.topic}: more in flight than asked for")
                return SimDelivery(entry, self, self._world)
            await self._sleep(hungry)
        raise StopAsyncIteration

    async def _sleep(self, hungry: bool) -> None:
        self._bell = asyncio.get_running_loop().create_future()
        if hungry:
            self._line.hungry[self] = None
        try:
            await self._bell
        except asyncio.CancelledError:
            self._empty()
            raise
        finally:
            self._bell = None
            self._line.hungry.pop(self, None)

    def give(self, entry: Entry) -> None:
        """A message comes."""
        self._box = entry
        self._in_flight[id(entry), entry.taken] = entry
        self._ring()

    def settled(self, taken: int, entry: Entry) -> None:
        """One in flight is settled."""
        if self._in_flight.pop((id(entry), taken), None) is not None:
            self._ring()

    def lost(self, taken: int, entry: Entry) -> None:
        """One in flight was taken away: its lease is over."""
        if self._box is entry and entry.taken == taken:
            self._box = None
        self.settled(taken, entry)

    def end(self) -> None:
        """Take no more."""
        self.ended = True
        self._line.hungry.pop(self, None)
        self._empty()
        self._ring()

    async def aclose(self) -> None:
        """Take no more; what was handed out stays with its holder."""
        self.end()

    def put_back(self) -> None:
        """The connection closes: what is in hand goes back."""
        for (_, taken), entry in list(self._in_flight.items()):
            self.broker.put_back(entry, taken, 0.0)
        self._in_flight.clear()

    def _empty(self) -> None:
        entry, self._box = self._box, None
        if entry is not None:
            self._in_flight.pop((id(entry), entry.taken), None)
            self.broker.never_handed_out(entry, entry.taken)

    def _ring(self) -> None:
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)


class SimBus:
    """A :class:`bitbrat.bus.Bus`: one connection to ``broker``."""

    def __init__(self, broker: Broker, world: SimWorld) -> None:
        self._broker = broker
        self._world = world
        self._consumptions: list[Consumption] = []
        self._closed = False
        self._capabilities = Capabilities("sim", True, True, broker.lease, broker.dedupe_window, 1024 * 1024)

    @property
    def capabilities(self) -> Capabilities:
        """See the port."""
        return self._capabilities

    async def ensure(self, topics: Iterable[Topic]) -> None:
        """See the port."""
        for topic in topics:
            self._broker.ensure(topic)

    async def topics(self) -> Mapping[str, TopicClass]:
        """See the port."""
        return {name: topic.kind for name, topic in self._broker.topics.items()}

    async def publish(self, topic: str, message: Message) -> Receipt:
        """See the port."""
        self._check(message)
        await self._world.io()
        if self._world.monotonic() < self._broker.leaderless_until:
            await self._lost(topic, "no leader")
        if self._world.faults.hit("pub_req_lost"):
            await self._lost(topic, "the request was lost")
        receipt = self._broker.store(topic, message)
        if self._world.faults.hit("puback_lost"):
            await self._lost(topic, "the answer was lost")
        await self._world.io()
        return receipt

    async def _lost(self, topic: str, why: str) -> None:
        await asyncio.sleep(PATIENCE)
        raise BusUnavailable("bus.unavailable", f"{topic}: no answer in {PATIENCE:g} s ({why})")

    async def publish_many(self, items: Sequence[tuple[str, Message]]) -> list[Receipt]:
        """See the port."""
        for _, message in items:
            self._check(message)
        return [await self.publish(topic, message) for topic, message in items]

    def consume(self, topic: str, group: str, *, max_in_flight: int) -> AsyncIterator[SimDelivery]:
        """See the port."""
        return self.open(Consumption, topic, group, max_in_flight)

    def open(self, kind: type[Consumption], topic: str, group: str, limit: int) -> Consumption:
        """A consumption of this ``kind``."""
        consumption = kind(self._broker, self._broker.line(topic, group), limit=limit, world=self._world)
        consumption.home = self
        consumption.ended = self._closed
        self._consumptions.append(consumption)
        return consumption

    async def healthy(self) -> bool:
        """See the port."""
        return not self._closed

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        for consumption in self._consumptions:
            consumption.end()
            consumption.put_back()

    def _check(self, message: Message) -> None:
        if self._closed:
            raise BusError("bus.closed", "the bus is closed")
        check_message(message, limit=self._capabilities.max_size)
