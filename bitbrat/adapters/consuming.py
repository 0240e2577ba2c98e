"""One consumer of a group on an embedded bus: an iterator that knows how much it has in flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

from bitbrat.adapters.delivering import Handed
from bitbrat.adapters.group_queue import GroupQueue

BREATH = 64
"""So many messages may go through without a pause before the loop gets a turn."""


class Consumption:
    """The iterator that ``consume`` returns. Takes a message only when it is asked for one, so closing has nothing to put back."""

    def __init__(self, queue: GroupQueue, *, max_in_flight: int) -> None:
        self._queue = queue
        self._limit = max_in_flight
        self._in_flight = 0
        self._ended = False
        self._count = 0
        self._wake: asyncio.Future[None] | None = None
        queue.consumers.add(self)

    def __aiter__(self) -> Consumption:
        return self

    async def __anext__(self) -> Handed:
        self._count += 1
        if self._count % BREATH == 0:
            await asyncio.sleep(0)
        while not self._ended:
            hungry = self._in_flight < self._limit
            if hungry and (delivery := self._queue.take(self)) is not None:
                self._in_flight += 1
                noted = self._queue.shelf.handing(delivery)
                if noted is not None:
                    await self._until(noted, delivery)
                return delivery
            await self._sleep(hungry)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Take no more. What was handed out stays with its holder until it settles it or its lease runs out."""
        self.end()

    def end(self) -> None:
        """The same from where one cannot await."""
        self._ended = True
        self._queue.consumers.discard(self)
        self.wake()

    def wake(self) -> None:
        """Look again: there is a message, or room, or the end."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def one_less(self) -> None:
        """One in flight is settled."""
        self._in_flight -= 1
        if self._in_flight == self._limit - 1:
            self.wake()

    async def _sleep(self, hungry: bool) -> None:
        self._wake = asyncio.get_running_loop().create_future()
        if hungry:
            self._queue.hungry[self] = None
        try:
            await self._wake
        except asyncio.CancelledError:
            if self._wake.done() and not self._wake.cancelled():
                self._queue.wake(1)  # the message that woke us is for somebody else now
            raise
        finally:
            self._wake = None
            self._queue.hungry.pop(self, None)

    @staticmethod
    async def _until(noted: Awaitable[object], delivery: Handed) -> None:
        try:
            await noted
        except BaseException:
            delivery.deliveries -= 1
            delivery.lose()
            raise


async def nothing() -> AsyncIterator[Handed]:
    """What is consumed from a bus that is closed: it ends at once."""
    none: tuple[Handed, ...] = ()
    for delivery in none:
        yield delivery
