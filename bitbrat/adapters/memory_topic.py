"""One topic of the memory bus: its messages, the ids of late, its groups."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bitbrat.adapters.delivering import Handed, Stored
from bitbrat.adapters.group_queue import GroupQueue
from bitbrat.adapters.position import Position
from bitbrat.adapters.topology import one_group
from bitbrat.bus import WIRE_ID, Message, Receipt
from bitbrat.errors import BusFull
from bitbrat.topics import TopicClass
from bitbrat.world import World


@dataclass(frozen=True)
class Limits:
    """Seconds, messages, bytes: see :class:`bitbrat.adapters.memory_bus.MemoryBus`."""

    lease: float
    dedupe_window: float
    ingress_capacity: int
    ingress_bytes: int
    keep: int


class RecentIds:
    """The ids of the last ``window`` seconds."""

    def __init__(self, world: World, window: float) -> None:
        self._world = world
        self._window = window
        self._ids: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def seen(self, wire_id: str) -> bool:
        """Whether ``wire_id`` was added inside the window."""
        horizon = self._world.monotonic() - self._window
        while self._order and self._order[0][0] <= horizon:
            self._ids.discard(self._order.popleft()[1])
        return wire_id in self._ids

    def add(self, wire_id: str) -> None:
        """Remember ``wire_id`` from now on."""
        self._ids.add(wire_id)
        self._order.append((self._world.monotonic(), wire_id))


class MemoryTopic:
    """Messages by their place, counted from 1. ``positions``: how far each group of a log topic has come."""

    def __init__(self, name: str, kind: TopicClass, world: World, limits: Limits) -> None:
        self.name = name
        self.kind = kind
        self.messages: dict[int, Stored] = {}
        self.queues: dict[str, GroupQueue] = {}
        self.positions: list[Position] = []
        self._world = world
        self._limits = limits
        self._ids = RecentIds(world, limits.dedupe_window)
        self._first = self._last = 0
        self._bytes = 0

    def publish(self, message: Message) -> Receipt:
        """Store it, unless its id is known. Raises ``BusFull``."""
        if self._ids.seen(message.id):
            return Receipt(duplicate=True)
        if self.kind == "ingress" and not self._has_room(len(message.data)):
            raise BusFull("bus.full", f"topic {self.name} is full: {len(self.messages)} messages, {self._bytes} bytes")
        self._ids.add(message.id)
        self._last += 1
        self._bytes += len(message.data)
        stored = Stored(self._last, message.data, {**message.headers, WIRE_ID: message.id})
        self.messages[self._last] = stored
        for queue in self.queues.values():
            queue.offer((stored,))
        return _STORED

    def queue(self, group: str) -> GroupQueue:
        """The queue of ``group``, made when it is not there. Raises ``config.two_groups``."""
        queue = self.queues.get(group)
        if queue is None:
            one_group(self.name, self.kind, self.queues, group)
            shelf = _Shelf(self)
            queue = GroupQueue(self.name, shelf, self._world, lease=self._limits.lease, cursor=self._first, last=self._last)
            self.queues[group] = queue
            if self.kind == "log":
                shelf.position = Position(self._first)
                self.positions.append(shelf.position)
        return queue

    def remove(self, seq: int) -> None:
        """Forget a message for good."""
        stored = self.messages.pop(seq, None)
        self._bytes -= len(stored.data) if stored else 0

    def trim(self) -> None:
        """Forget the oldest messages over the limit, as far as every group has settled them."""
        settled = min(position.floor for position in self.positions)
        while self._first < settled and len(self.messages) > self._limits.keep:
            self._first += 1
            self.remove(self._first)

    def _has_room(self, size: int) -> bool:
        return len(self.messages) < self._limits.ingress_capacity and self._bytes + size <= self._limits.ingress_bytes


class _Shelf:
    """A topic as one group sees it; on a log topic with a position of its own."""

    position: Position | None = None

    def __init__(self, topic: MemoryTopic) -> None:
        self._topic = topic

    def after(self, seq: int, last: int, limit: int) -> tuple[Sequence[Stored], int]:
        reached = min(last, seq + limit)
        messages = self._topic.messages
        return [messages[place] for place in range(seq + 1, reached + 1) if place in messages], reached

    def get(self, seq: int) -> Stored | None:
        return self._topic.messages.get(seq)

    def handing(self, delivery: Handed) -> None:
        """Nothing to note: no count survives this process."""

    async def done(self, delivery: Handed) -> None:
        if self.position is None:
            self._topic.remove(delivery.seq)
        else:
            self.position.settle(delivery.seq)
            self._topic.trim()

    async def back(self, delivery: Handed, delay: float) -> None:
        """Nothing to note, either."""


_STORED = Receipt()
