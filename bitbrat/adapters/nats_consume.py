"""One consumer of a group on a NATS bus: it asks for what it can take, and asks again whenever that was lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from bitbrat.adapters.nats_delivery import Hands, NatsDelivery
from bitbrat.adapters.nats_link import Link
from bitbrat.adapters.nats_names import Reader
from bitbrat.adapters.nats_pull import Pull, Window
from bitbrat.errors import BitBratError, BusUnavailable
from bitbrat.world import World

HEARTBEAT_STATUS, OVER_STATUSES = "100", ("404", "408")
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
CLOSE_WITHIN = 2.0
KNOWS_WHO_LEFT = 10
"""From 2.10 on the server looks whether who asked is still there before it takes a message for him."""

STILL_OURS = 0.9
"""What has waited here for this part of its lease without being kept is on its way to somebody else."""

KEEP_LEASES = 10
"""For so many leases what is taken waits to be handed out; then it goes back."""


@dataclass(slots=True)
class Taken:
    """What the server sent and nobody has asked for yet: when it came, when its lease last began."""

    delivery: NatsDelivery
    since: float
    kept: float


class Source(NamedTuple):
    """Where a consumer takes from: the link, the hands, whose durable it is, and who looks after it."""

    link: Link
    hands: Hands
    world: World
    reader: Reader
    attach: Callable[[Reader], Awaitable[str]]
    forget: Callable[[NatsConsumption], None]


class NatsConsumption:
    """The iterator that ``consume`` returns. Ends when it is closed, cancelled, or the bus closes."""

    def __init__(self, source: Source, *, max_in_flight: int) -> None:
        self._of = source
        self._limit = max_in_flight
        self._in_hand = 0
        self._taken: deque[Taken] = deque()
        self._pull = Pull()
        self._window = Window(max_in_flight)
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._inbox = self._subject = ""
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._doubt = False
        self._wait = FIRST_WAIT
        self._ending: asyncio.Task[None] | None = None

    def __aiter__(self) -> NatsConsumption:
        return self

    async def __anext__(self) -> NatsDelivery:
        try:
            while self._ending is None:
                self._wake.clear()
                if self._in_hand < self._limit:
                    # What is asked for ahead counts as handed out on this server: only where one message follows the other.
                    if not self._taken or self._window.size > 1:
                        await self._make_sure()
                    if (delivery := self._next()) is not None:
                        return delivery
                await self._wake.wait()
        except asyncio.CancelledError:
            self.end()
            raise
        except BitBratError:
            if self._ending is None:
                self.end()
                raise
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Ask for no more, and put back what was not handed out. What was handed out stays with its holder."""
        self.end()
        if self._ending is not None:
            await asyncio.shield(self._ending)

    def end(self) -> None:
        """The same from where one cannot wait."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())
            self._stop.set()
            self._wake.set()

    def one_less(self) -> None:
        """One in hand is settled, or lost."""
        self._in_hand -= 1
        self._wake.set()

    def lose(self) -> None:
        """The connection broke or is back: nobody knows any more that we wait."""
        self._pull.left = 0
        self._wake.set()

    async def tick(self, now: float) -> None:
        """Keep what waits here; ask again when the server shows no sign of life."""
        if self._pull.left and now > self._pull.until:
            self._doubt = True
            self.lose()
        lease = self._of.hands.lease
        for taken in list(self._taken):
            if now - taken.kept > lease / 3 and now - taken.since < KEEP_LEASES * lease:
                taken.kept = now
                await taken.delivery.extend()

    def _next(self) -> NatsDelivery | None:
        """What was taken and is still ours."""
        now = self._of.world.monotonic()
        while self._taken:
            taken = self._taken.popleft()
            if now - taken.kept < STILL_OURS * self._of.hands.lease:
                self._in_hand += 1
                self._of.hands.take(taken.delivery)
                self._window.handed()
                return taken.delivery
        return None

    async def _make_sure(self) -> None:
        """Be subscribed, on this connection, to a durable that is there, and waiting for messages. What passes is waited for."""
        try:
            client = await self._of.link.wait(LONGEST_WAIT)
            if client is not self._client:
                await self._subscribe(client)
            if self._doubt:
                await self._of.attach(self._of.reader)
                self._doubt = False
            await self._ask(client)
        except (BusUnavailable, nats.errors.Error, OSError):
            self._doubt = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait * (0.5 + self._of.world.random())):
                    await self._stop.wait()
            self._wait = min(self._wait * 2, LONGEST_WAIT)
            self._wake.set()

    async def _subscribe(self, client: Client) -> None:
        self._subject = await self._of.attach(self._of.reader)
        inbox = f"{client.new_inbox()}."
        self._subscription = await client.subscribe(f"{inbox}*", cb=self._came)
        self._client, self._inbox = client, inbox
        self._pull.left = 0

    async def _ask(self, client: Client) -> None:
        """Ask the server for as many as there is room for, if it is not asked already."""
        size = min(self._window.size, self._limit - self._in_hand - len(self._taken))
        if self._pull.left or size < 1 or len(self._taken) > self._window.size // 2 or self._ending is not None:
            return
        self._pull.begin(size, self._of.world.monotonic())
        body = json.dumps(self._pull.body()).encode()
        await client.publish(self._subject, body, reply=f"{self._inbox}{self._pull.number}")

    async def _came(self, message: Msg) -> None:
        now = self._of.world.monotonic()
        status = (message.headers or {}).get("Status", "")
        if message.reply:
            self._pull.brought(now)
            self._taken.append(Taken(NatsDelivery(self._of.hands, self, self._of.reader.topic, message), now, now))
            self._wait = FIRST_WAIT
            self._wake.set()
        elif message.subject != f"{self._inbox}{self._pull.number}":
            pass  # the end of a request that was given up
        elif status == HEARTBEAT_STATUS:
            self._pull.alive(now)
        else:
            self._window.paused()
            self._doubt = self._doubt or status not in OVER_STATUSES
            self.lose()

    async def _sweep(self) -> None:
        """Make the server forget that we waited.

        A server before 2.10 notices that only while it gives somebody a message; one that is put back is then not
        given to the next consumer, but comes when its lease is over. A request that nobody waits for takes its place.
        """
        client = self._client
        if client is not None and self._pull.left and client.connected_server_version.minor < KNOWS_WHO_LEFT:
            await client.publish(self._subject, b'{"batch":1,"expires":50000000}', reply=f"{self._inbox}gone")
            await client.flush(timeout=1)

    async def _end(self) -> None:
        if self._subscription is not None:
            try:
                async with asyncio.timeout(CLOSE_WITHIN):
                    await self._subscription.drain()  # type: ignore[no-untyped-call]
                    await self._sweep()
            except (nats.errors.Error, OSError, TimeoutError):
                self._doubt = True  # the connection is gone, and with it all that was asked for
        for taken in self._taken:
            with contextlib.suppress(BitBratError):
                await taken.delivery.nak(delay=0.0)
        self._taken.clear()
        self._of.forget(self)
