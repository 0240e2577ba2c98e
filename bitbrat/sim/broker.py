"""The server side of the simulated bus: streams, dedupe windows, leases, delivery counts, and what a crash forgets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bitbrat.bus import WIRE_ID, Message, Receipt
from bitbrat.errors import BusFull, ConfigError, SlipError
from bitbrat.sim.loop import WORLD, Incarnation
from bitbrat.sim.world import SimWorld
from bitbrat.topics import Topic, TopicClass

if TYPE_CHECKING:
    from bitbrat.sim.bus import Consumption

Retention = Literal["workqueue", "limits"]
UNSYNCED = 1.0
"""Seconds after which an ack survives a kill of the broker (measured on Limits: 1 s of quiet, nothing came back)."""


@dataclass(eq=False, slots=True)
class Letter:
    """A stored message. ``open``: how many groups have not settled it."""

    id: str
    topic: str
    data: bytes
    headers: Mapping[str, str]
    open: int = 0


@dataclass(eq=False, slots=True)
class Entry:
    """A message as one group has it. ``taken`` grows with each hand-over, so that an old lease ends nothing new."""

    letter: Letter
    line: Line
    state: Literal["ready", "taken", "delayed", "acked"] = "ready"
    deliveries: int = 0
    taken: int = 0
    holder: Consumption | None = None
    lease: asyncio.TimerHandle | None = None


@dataclass(eq=False, slots=True)
class Line:
    """What one group has still to do on one topic. ``entries``: everything that it has not settled, by its place."""

    topic: str
    group: str
    entries: dict[int, Entry] = field(default_factory=dict)
    ready: deque[Entry] = field(default_factory=deque)
    hungry: dict[Consumption, None] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class SimTopic:
    """A topic: its class, its groups, and what is kept for groups to come."""

    name: str
    kind: TopicClass
    lines: dict[str, Line] = field(default_factory=dict)
    kept: list[Letter] = field(default_factory=list)


class Broker:
    """The server. ``retention`` is that of step and ingress topics; logs are always kept by limits. Times in seconds."""

    def __init__(
        self,
        world: SimWorld,
        *,
        retention: Retention = "workqueue",
        lease: float = 30.0,
        dedupe_window: float = 120.0,
        ingress_capacity: int = 10_000,
    ) -> None:
        self.world = world
        self.lease = lease
        self.dedupe_window = dedupe_window
        self.topics: dict[str, SimTopic] = {}
        self.leaderless_until = -1.0
        self._retention = retention
        self._capacity = ingress_capacity
        self._seen: dict[tuple[str, str], tuple[float, Letter]] = {}
        self._acked: deque[tuple[float, Entry]] = deque()

    def ensure(self, topic: Topic) -> None:
        """Create it, or add groups. Raises ``config.two_groups``, ``config.breaks_promise``."""
        known = self.topics.setdefault(topic.name, SimTopic(topic.name, topic.kind))
        if known.kind != topic.kind:
            raise ConfigError("config.breaks_promise", f"topic {topic.name} exists as {known.kind}, not as {topic.kind}")
        for group in topic.groups:
            self.line(topic.name, group)

    def line(self, name: str, group: str) -> Line:
        """What ``group`` has to do on a topic. Raises ``slip.unroutable``, ``config.two_groups``."""
        topic = self._topic(name)
        if group not in topic.lines:
            if topic.kind != "log" and topic.lines:
                raise ConfigError("config.two_groups", f"topic {name} belongs to the group {next(iter(topic.lines))}")
            line = topic.lines[group] = Line(name, group)
            for letter in topic.kept:
                self._enter(Entry(letter, line))
            if topic.kind != "log":
                topic.kept = []
        return topic.lines[group]

    def store(self, name: str, message: Message) -> Receipt:
        """Store ``message``, unless its stream knows its id. Raises ``bus.full``, ``slip.unroutable``."""
        topic = self._topic(name)
        now, key = self.world.monotonic(), (topic.kind, message.id)
        seen = self._seen.get(key)
        if seen and now - seen[0] < self.dedupe_window and not self.world.faults.hit("dup_store"):
            self.world.sometimes("duplicate publish seen")
            self.world.note("duplicate", name, message.id)
            return Receipt(duplicate=True)
        if topic.kind == "ingress" and self._is_full(topic):
            raise BusFull("bus.full", f"topic {name} is full")
        letter = Letter(message.id, name, message.data, {**message.headers, WIRE_ID: message.id})
        self._seen[key] = now, letter
        self.world.note("store", name, message.id)
        if topic.kind == "log" or not topic.lines:
            topic.kept.append(letter)
        for line in topic.lines.values():
            self._enter(Entry(letter, line))
        return Receipt()

    def _enter(self, entry: Entry) -> None:
        entry.letter.open += 1
        entry.line.entries[id(entry)] = entry
        self.make_ready(entry)

    def _is_full(self, topic: SimTopic) -> bool:
        waiting = sum(len(line.entries) for line in topic.lines.values()) + len(topic.kept)
        return waiting >= self._capacity or self.world.faults.hit("stream_full")

    def make_ready(self, entry: Entry) -> None:
        """It may be handed out, now or soon."""
        ready = entry.line.ready
        entry.state, entry.holder = "ready", None
        if ready and self.world.faults.hit("reorder"):
            ready.insert(self.world.faults.how("reorder").randrange(len(ready) + 1), entry)
        else:
            ready.append(entry)
        self.pump(entry.line)

    def pump(self, line: Line) -> None:
        """Hand out what is ready to those who wait."""
        while line.ready and line.hungry:
            consumption = next(iter(line.hungry))
            del line.hungry[consumption]
            if consumption.alive:
                consumption.give(self.hand_out(line, consumption))

    def hand_out(self, line: Line, consumption: Consumption) -> Entry:
        """The next message, with a lease."""
        entry = line.ready.popleft()
        entry.state, entry.holder = "taken", consumption
        entry.deliveries += 1
        entry.taken += 1
        self.world.note("deliver", line.topic, entry.letter.id, entry.deliveries, consumption.name)
        self.begin_lease(entry, 0.01 if self.world.faults.hit("short_lease") else self.lease)
        return entry

    def begin_lease(self, entry: Entry, seconds: float) -> None:
        """From now on."""
        if entry.lease is not None:
            entry.lease.cancel()
        entry.lease = asyncio.get_running_loop().call_later(seconds, self._expire, entry, entry.taken, context=WORLD)

    def _expire(self, entry: Entry, taken: int) -> None:
        if entry.state == "taken" and entry.taken == taken:
            self.world.note("expire", entry.line.topic, entry.letter.id)
            if entry.holder is not None:
                entry.holder.lost(taken, entry)
            self.make_ready(entry)

    def ack(self, entry: Entry) -> None:
        """Done. The ack of an old delivery counts too: brokers do not fence."""
        if entry.state == "acked":
            return
        if entry.state == "ready":
            entry.line.ready.remove(entry)
        self._let_go(entry)
        entry.state = "acked"
        entry.line.entries.pop(id(entry))
        entry.letter.open -= 1
        self._remember(entry)
        self.world.note("ack", entry.line.topic, entry.letter.id)

    def _remember(self, entry: Entry) -> None:
        """A crash soon would forget this ack. What is synced by now is gone for good."""
        now = self.world.monotonic()
        self._acked.append((now, entry))
        while now - self._acked[0][0] >= UNSYNCED:
            self._drop(self._acked.popleft()[1].letter)

    def _drop(self, letter: Letter) -> None:
        if not letter.open and self.topics[letter.topic].kind != "log":
            letter.data, letter.headers = b"", {}

    def put_back(self, entry: Entry, taken: int, delay: float) -> None:
        """Not now, unless that delivery is over."""
        if entry.state != "taken" or entry.taken != taken:
            return
        self._let_go(entry)
        self.world.note("nak", entry.line.topic, entry.letter.id, round(delay, 3))
        if delay <= 0:
            self.make_ready(entry)
        else:
            entry.state, entry.holder = "delayed", None
            asyncio.get_running_loop().call_later(delay, self._due, entry, taken, context=WORLD)

    def _due(self, entry: Entry, taken: int) -> None:
        if entry.state == "delayed" and entry.taken == taken:
            self.make_ready(entry)

    def never_handed_out(self, entry: Entry, taken: int) -> None:
        """It did not reach its consumer: it counts as not handed out."""
        if entry.state == "taken" and entry.taken == taken:
            self._let_go(entry)
            entry.deliveries -= 1
            self.make_ready(entry)

    @staticmethod
    def _let_go(entry: Entry) -> None:
        if entry.lease is not None:
            entry.lease.cancel()
            entry.lease = None

    def crash(self) -> None:
        """A kill of the broker, as measured: recent acks and counts are forgotten on Limits, dedupe ids of acked messages on WorkQueue."""
        now = self.world.monotonic()
        self.world.note("broker_crash")
        self._seen = {key: (at, letter) for key, (at, letter) in self._seen.items() if letter.open or self._limits(key[0])}
        for topic in self.topics.values():
            for line in topic.lines.values():
                for entry in list(line.entries.values()):
                    self._forget_delivery(entry)
        while self._acked:
            at, entry = self._acked.popleft()
            if entry.state == "acked" and self._by_limits(entry) and now - at < UNSYNCED:
                self._bring_back(entry)

    def _bring_back(self, entry: Entry) -> None:
        self.world.sometimes("broker crash returned an acked message")
        entry.line.entries[id(entry)] = entry
        entry.letter.open += 1
        entry.deliveries = max(0, entry.deliveries - 1)
        self.make_ready(entry)

    def _forget_delivery(self, entry: Entry) -> None:
        if entry.state == "taken":
            self._let_go(entry)
            if entry.holder is not None:
                entry.holder.lost(entry.taken, entry)
            entry.deliveries = max(0, entry.deliveries - 1)
            self.make_ready(entry)

    def _by_limits(self, entry: Entry) -> bool:
        return self._limits(self.topics[entry.line.topic].kind)

    def _limits(self, kind: str) -> bool:
        return kind == "log" or self._retention == "limits"

    def left(self, incarnation: Incarnation) -> None:
        """A process is gone, and its connection: nobody waits there any more. What it had in hand comes back after its lease."""
        for topic in self.topics.values():
            for line in topic.lines.values():
                line.hungry = {one: None for one in line.hungry if one.owner is not incarnation}

    def unsettled(self) -> list[Entry]:
        """What no group has settled yet."""
        return [entry for topic in self.topics.values() for line in topic.lines.values() for entry in line.entries.values()]

    def _topic(self, name: str) -> SimTopic:
        topic = self.topics.get(name)
        if topic is None:
            raise SlipError("slip.unroutable", f"there is no topic {name} on this bus")
        return topic
