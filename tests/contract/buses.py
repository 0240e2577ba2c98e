"""The buses that the contract suite runs over. An adapter's own test is its declaration here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bitbrat.adapters.memory_bus import MemoryBus
from bitbrat.adapters.sqlite_bus import SqliteBus
from bitbrat.bus import Bus, Delivery, Message
from bitbrat.topics import Topic
from bitbrat.world import RealWorld, World
from tests.contract.on_nats import a_corner, nats_bus
from tests.contract.simulated import sim_bus

INGRESS, STEP, NEXT, LOG = "internal.ingress.v1", "internal.step.v1", "internal.next.v1", "internal.audit.v1"
TOPICS = (
    Topic(INGRESS, "ingress", ("auth",)),
    Topic(STEP, "step", ("step",)),
    Topic(NEXT, "step", ("next",)),
    Topic(LOG, "log", ("first", "second")),
)
PATIENCE = 20.0
"""Seconds until a message that must come is missed. No test expects it to come soon."""


@dataclass(frozen=True)
class Wishes:
    """What a case asks of a bus: seconds, and messages for an ingress topic."""

    lease: float = 30.0
    dedupe_window: float = 120.0
    ingress_capacity: int = 10_000


@asynccontextmanager
async def a_folder(path: Path) -> AsyncIterator[str]:
    """Where an embedded bus lives: nothing has to run for it."""
    yield str(path / "bus.db")


@dataclass(frozen=True)
class Declaration:
    """How a bus is made, and what it says it can do.

    ``place`` starts what the bus needs (a server) and says where it is; it takes what ``tests.components`` finds, or skips.
    ``make(place, world, wishes)`` connects. ``shortest_lease``: the shortest that may be wished for, in seconds.
    """

    name: str
    durable: bool
    shared: bool
    make: Callable[[str, World, Wishes], Awaitable[Bus]]
    place: Callable[[Path], AbstractAsyncContextManager[str]] = a_folder
    shortest_lease: float = 0.3
    label: str = ""

    @property
    def id(self) -> str:
        """What tells the tests of this kind from others."""
        return self.label or self.name


async def _memory(_place: str, world: World, wishes: Wishes) -> Bus:
    return MemoryBus(world, lease=wishes.lease, dedupe_window=wishes.dedupe_window, ingress_capacity=wishes.ingress_capacity)


async def _sqlite(place: str, world: World, wishes: Wishes) -> Bus:
    return SqliteBus(place, world, lease=wishes.lease, dedupe_window=wishes.dedupe_window, ingress_capacity=wishes.ingress_capacity)


async def _simulated(place: str, _world: World, wishes: Wishes) -> Bus:
    return sim_bus(place, lease=wishes.lease, dedupe_window=wishes.dedupe_window, ingress_capacity=wishes.ingress_capacity)


async def _nats(place: str, world: World, wishes: Wishes) -> Bus:
    return nats_bus(place, world, lease=wishes.lease, dedupe_window=wishes.dedupe_window, ingress_capacity=wishes.ingress_capacity)


BUSES = (
    Declaration("memory", durable=False, shared=False, make=_memory),
    Declaration("sqlite", durable=True, shared=False, make=_sqlite),
    Declaration("sim", durable=True, shared=True, make=_simulated),
    Declaration("nats", durable=True, shared=True, make=_nats, place=a_corner("nats")),
    Declaration("nats", durable=True, shared=True, make=_nats, place=a_corner("nats-new"), label="nats-new"),
)


class BusRig:
    """A kind of bus under test, and the short words of the tests."""

    def __init__(self, declaration: Declaration, place: str) -> None:
        self.declaration = declaration
        self.place = place
        self.world = RealWorld()
        self._open: list[Bus] = []
        self._listeners: list[Listener] = []

    async def open(self, wishes: Wishes | None = None, *, topics: tuple[Topic, ...] = TOPICS) -> Bus:
        """A bus with the topics of the suite."""
        bus = await self.declaration.make(self.place, self.world, wishes or Wishes())
        self._open.append(bus)
        await bus.ensure(topics)
        return bus

    async def open_with_short_lease(self) -> Bus:
        """One on which what nobody settles comes back as soon as this kind can."""
        return await self.open(Wishes(lease=self.declaration.shortest_lease))

    def listen(self, bus: Bus, topic: str = STEP, group: str = "step", *, max_in_flight: int = 100) -> Listener:
        """A consumer."""
        listener = Listener(bus, topic, group, max_in_flight)
        self._listeners.append(listener)
        return listener

    async def close(self) -> None:
        """Close what is still open."""
        for listener in self._listeners:
            await listener.close()
        for bus in self._open:
            await bus.close()


class Listener:
    """One consumer that can be asked for the next message, or whether there is none, without losing its place."""

    def __init__(self, bus: Bus, topic: str, group: str, max_in_flight: int) -> None:
        self._messages = bus.consume(topic, group, max_in_flight=max_in_flight)
        self._asked: asyncio.Task[Delivery] | None = None

    async def next(self) -> Delivery:
        """The next message. Fails when none comes; ``StopAsyncIteration`` is told as ``Ended``."""
        asked = self._ask()
        await asyncio.wait({asked}, timeout=PATIENCE)
        assert asked.done(), "no message came"
        self._asked = None
        return asked.result()

    async def take(self, count: int) -> list[Delivery]:
        """The next ``count`` messages."""
        return [await self.next() for _ in range(count)]

    async def quiet(self, seconds: float = 0.1) -> bool:
        """Whether no message came for so long."""
        asked = self._ask()
        await asyncio.wait({asked}, timeout=seconds)
        return not asked.done()

    async def ended(self) -> bool:
        """Whether the consumer ends by itself."""
        try:
            await self.next()
        except Ended:
            return True
        return False

    async def close(self) -> None:
        """Stop consuming."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.wait({self._asked})
            if not self._asked.cancelled():
                self._asked.exception()
            self._asked = None
        close = getattr(self._messages, "aclose", None)
        if close is not None:
            await close()

    def _ask(self) -> asyncio.Task[Delivery]:
        if self._asked is None:
            self._asked = asyncio.create_task(self._one())
        return self._asked

    async def _one(self) -> Delivery:
        async for delivery in self._messages:
            return delivery
        raise Ended


class Ended(Exception):
    """A consumer ended by itself."""


def message(name: str, data: bytes | None = None, **headers: str) -> Message:
    """A message with the wire id ``name``, and with bytes that are not text."""
    return Message(name, b"\x00\xff" + name.encode() if data is None else data, headers)


def number(count: int, prefix: str = "m") -> list[Message]:
    """So many different messages."""
    return [message(f"{prefix}{n}") for n in range(count)]


def wire_ids(deliveries: list[Delivery]) -> list[str]:
    """Which messages these are, sorted."""
    return sorted(delivery.headers["bb-wire-id"] for delivery in deliveries)


def ids_of(messages: list[Message]) -> list[str]:
    """The same of what was published."""
    return sorted(one.id for one in messages)


def copy_of(one: Message, data: bytes) -> Message:
    """The same wire id with other bytes."""
    return replace(one, data=data)
