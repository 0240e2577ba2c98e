"""What one group has still to do on one topic: who gets which message, leases, and messages that wait for their time."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Sequence

from bitbrat.adapters.delivering import Consumer, Handed, Shelf, Stored
from bitbrat.world import World

PULL = 128
"""Messages read ahead at a time: they are in nobody's hand yet, so no lease runs."""


class GroupQueue:
    """Hands the messages of ``shelf`` to the consumers of one group, each message to one of them at a time.

    ``lease`` is in seconds. ``cursor``: everything up to there has been read from the shelf; ``last``: the newest message.
    Only what is in hand, delayed or read ahead is in memory. One timer serves all leases and delays.
    """

    def __init__(self, topic: str, shelf: Shelf, world: World, *, lease: float, cursor: int, last: int) -> None:
        self.topic = topic
        self.shelf = shelf
        self.taken: dict[int, Handed] = {}  # in order of expiry: every lease is equally long
        self.consumers: set[Consumer] = set()
        self.hungry: dict[Consumer, None] = {}
        self._world = world
        self._lease = lease
        self._cursor = cursor
        self._last = last
        self._fresh: deque[Stored] = deque()
        self._again: deque[tuple[int, int]] = deque()
        self._delayed: list[tuple[float, int, int]] = []
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, messages: Sequence[Stored]) -> None:
        """Messages that were stored just now, in order. They need no reading when the group has caught up."""
        if self._cursor == self._last and len(self._fresh) < PULL:
            self._fresh.extend(messages)
            self._cursor = messages[-1].seq
        self._last = messages[-1].seq
        self.wake(len(messages))

    def take(self, consumer: Consumer) -> Handed | None:
        """The next message for ``consumer``, or None when there is none."""
        stored = self._returned() if self._again else None
        if stored is None:
            if not self._fresh:
                self._read_ahead()
            if not self._fresh:
                return None
            stored = self._fresh.popleft()
        handed = Handed(self, consumer, stored, self._world.monotonic() + self._lease)
        self.taken[stored.seq] = handed
        if self._timer is None:
            self._set_timer()
        return handed

    def extend(self, delivery: Handed) -> None:
        """Begin the lease of ``delivery`` anew."""
        delivery.expires = self._world.monotonic() + self._lease
        self.taken[delivery.seq] = self.taken.pop(delivery.seq)

    def put_back(self, seq: int, deliveries: int, delay: float) -> None:
        """Let ``seq``, handed out ``deliveries`` times so far, come back after ``delay`` seconds."""
        if delay > 0:
            heapq.heappush(self._delayed, (self._world.monotonic() + delay, seq, deliveries))
            if self._delayed[0][1] == seq:
                self._set_timer()
        else:
            self._again.append((seq, deliveries))
            self.wake(1)

    def wake(self, count: int) -> None:
        """Let up to ``count`` waiting consumers look again."""
        while count and self.hungry:
            consumer = next(iter(self.hungry))
            del self.hungry[consumer]
            consumer.wake()
            count -= 1

    def close(self) -> None:
        """End the consumers and put back what they have in hand."""
        for consumer in list(self.consumers):
            consumer.end()
        for delivery in list(self.taken.values()):
            delivery.lose()
        if self._timer is not None:
            self._timer.cancel()

    def _returned(self) -> Stored | None:
        while self._again:
            seq, deliveries = self._again.popleft()
            stored = self.shelf.get(seq)
            if stored is not None:
                return stored._replace(prior=deliveries)
        return None

    def _read_ahead(self) -> None:
        while self._cursor < self._last and not self._fresh:
            messages, self._cursor = self.shelf.after(self._cursor, self._last, PULL)
            for stored in messages:
                if stored.hold > 0:
                    self.put_back(stored.seq, stored.prior, stored.hold)
                else:
                    self._fresh.append(stored)

    def _set_timer(self) -> None:
        """Sleep until the first lease or delay is over. A lease that was settled meanwhile costs one early look."""
        times = [self._delayed[0][0]] if self._delayed else []
        if self.taken:
            times.append(next(iter(self.taken.values())).expires)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if times:
            wait = max(0.0, min(times) - self._world.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait + 0.001, self._tick)

    def _tick(self) -> None:
        now = self._world.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            _, seq, deliveries = heapq.heappop(self._delayed)
            self.put_back(seq, deliveries, 0.0)
        while self.taken and (first := next(iter(self.taken.values()))).expires <= now:
            first.lose()
        self._set_timer()
