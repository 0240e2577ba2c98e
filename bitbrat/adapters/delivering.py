"""One message in hand on an embedded bus, and what the bus below must do for it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Stored(NamedTuple):
    """A message as a group finds it: its place in the topic, how often it was handed out before, how long to hold it (s)."""

    seq: int
    data: bytes
    headers: Mapping[str, str]
    prior: int = 0
    hold: float = 0.0


class Shelf(Protocol):
    """Where the messages of one topic lie, as one group sees them, and where its settlements are written down."""

    def after(self, seq: int, last: int, limit: int) -> tuple[Sequence[Stored], int]:
        """Up to ``limit`` messages behind ``seq`` and up to ``last`` that the group has not settled, and how far was read."""
        ...

    def get(self, seq: int) -> Stored | None:
        """One message again, or None when it is gone."""
        ...

    def handing(self, delivery: Handed) -> Awaitable[object] | None:
        """Told before a message is handed out; what it returns is awaited before."""
        ...

    def done(self, delivery: Handed) -> Awaitable[None]:
        """Return once it is certain that the message never comes back to the group. When that fails, call ``delivery.back()``."""
        ...

    def back(self, delivery: Handed, delay: float) -> Awaitable[None]:
        """Write down that it comes back, not before ``delay`` seconds have passed."""
        ...


class Consumer(Protocol):
    """Who takes messages from a queue."""

    def wake(self) -> None:
        """Look again: there is a message, or room, or the end."""
        ...

    def end(self) -> None:
        """Take no more."""
        ...

    def one_less(self) -> None:
        """One of those in flight is settled."""
        ...


class Queue(Protocol):
    """Where a message in hand comes from and may go back to: see :class:`bitbrat.adapters.group_queue.GroupQueue`."""

    topic: str
    shelf: Shelf
    taken: dict[int, Handed]

    def put_back(self, seq: int, deliveries: int, delay: float) -> None:
        """Let ``seq``, handed out ``deliveries`` times so far, come back after ``delay`` seconds."""
        ...

    def extend(self, delivery: Handed) -> None:
        """Begin the lease of ``delivery`` anew."""
        ...


class Handed:
    """A :class:`bitbrat.bus.Delivery` of an embedded bus. A lease that has run out settles it too: the message is back in the queue."""

    __slots__ = ("_consumer", "_queue", "data", "deliveries", "expires", "headers", "seq", "settled")

    def __init__(self, queue: Queue, consumer: Consumer, stored: Stored, expires: float) -> None:
        self._queue = queue
        self._consumer = consumer
        self.seq = stored.seq
        self.data = stored.data
        self.headers = stored.headers
        self.deliveries = stored.prior + 1
        self.expires = expires
        self.settled = False

    @property
    def topic(self) -> str:
        """The topic it was taken from."""
        return self._queue.topic

    async def ack(self) -> None:
        """Done: it never comes back."""
        if self.let_go():
            try:
                await self._queue.shelf.done(self)
            finally:
                self._consumer.one_less()

    async def term(self) -> None:
        """Never again, and not done: for the bus the same as done."""
        await self.ack()

    async def nak(self, *, delay: float) -> None:
        """Not now: it comes back to the group, not before ``delay`` seconds have passed."""
        if self.let_go():
            self._queue.put_back(self.seq, self.deliveries, delay)
            try:
                await self._queue.shelf.back(self, delay)
            finally:
                self._consumer.one_less()

    async def extend(self) -> None:
        """Still at work: the lease starts anew. Harmless when it is settled or lost."""
        if not self.settled:
            self._queue.extend(self)

    def let_go(self) -> bool:
        """Settle it, the first time; the message is in nobody's hand then."""
        first, self.settled = not self.settled, True
        if first:
            self._queue.taken.pop(self.seq, None)
        return first

    def lose(self) -> None:
        """Take it away from its holder and put it back at once: the lease has run out, or the bus is closing."""
        if self.let_go():
            self._consumer.one_less()
            self._queue.put_back(self.seq, self.deliveries, 0.0)

    def back(self, delay: float = 1.0) -> None:
        """It could not be settled after all: bring it back in ``delay`` seconds."""
        self._queue.put_back(self.seq, self.deliveries, delay)
