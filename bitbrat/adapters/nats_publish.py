"""Publishing to JetStream: pipelined, each message awaited, tried again with the same wire id."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from bitbrat.adapters.nats_api import NO_ROOM, NO_ROOM_AT_ALL, STORE_FAILED
from bitbrat.adapters.nats_link import Link
from bitbrat.bus import WIRE_ID, Message, Receipt
from bitbrat.errors import BusError, BusFull
from bitbrat.world import World

DEDUPE_HEADER = "Nats-Msg-Id"
ANSWER_WITHIN = 5.0
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0


@dataclass(frozen=True)
class Outgoing:
    """A message on its way: the subject, whether it is for the door, what is sent."""

    subject: str
    door: bool
    message: Message
    topic: str


class Publisher:
    """Publishes over ``link``. ``patience``: for how many seconds a message is tried again; a new leader takes up to 9."""

    def __init__(self, link: Link, world: World, *, patience: float) -> None:
        self._link = link
        self._world = world
        self._patience = patience
        self._waiting: dict[str, tuple[asyncio.Future[Msg | None], float]] = {}
        self._inbox = ""
        self._client: Client | None = None
        self._subscribing = asyncio.Lock()
        self._count = 0
        self.closed = False

    async def publish(self, items: Sequence[Outgoing]) -> list[Receipt]:
        """Return once all are stored. Raises ``bus.full``, ``bus.unavailable``, ``bus.closed``."""
        receipts: list[Receipt | None] = [None] * len(items)
        until, wait = self._world.monotonic() + self._patience, FIRST_WAIT
        while left := [place for place, receipt in enumerate(receipts) if receipt is None]:
            if self.closed:
                raise BusError("bus.closed", "the bus is closed")
            answers = await self._round([items[place] for place in left], until)
            for place, answer in zip(left, answers, strict=True):
                receipts[place] = _receipt(items[place], answer, patient=wait == FIRST_WAIT)
            if None in receipts:
                if self._world.monotonic() + wait > until:
                    raise self._link.unavailable()
                await asyncio.sleep(wait * (0.5 + self._world.random()))
                wait = min(wait * 2, LONGEST_WAIT)
        return [receipt for receipt in receipts if receipt is not None]

    def tick(self, now: float) -> None:
        """Give up waiting for answers that are overdue."""
        for token, (answer, until) in list(self._waiting.items()):
            if until > now:
                break  # the oldest come first
            self._give_up(token, answer)

    def lose(self) -> None:
        """The connection is gone, and the answers with it: everything is sent again."""
        for token, (answer, _) in list(self._waiting.items()):
            self._give_up(token, answer)

    async def finish(self, seconds: float) -> None:
        """Take nothing more, and wait for the answers to what is under way."""
        self.closed = True
        if self._waiting:
            await asyncio.wait([answer for answer, _ in self._waiting.values()], timeout=seconds)
        self.lose()

    async def _round(self, items: Sequence[Outgoing], until: float) -> list[Msg | None]:
        """Send all and wait for all; None where no answer came."""
        client = await self._link.wait(max(until - self._world.monotonic(), 0.01))
        if client is not self._client:
            await self._subscribe(client)
        sent: list[asyncio.Future[Msg | None]] = []
        try:
            for item in items:  # one after the other, none awaited: what was sent stays in the list when one fails
                sent += [await self._send(client, item)]
        except (nats.errors.Error, OSError):
            pass  # what is not sent is sent in the next round
        answers = [await answer for answer in sent]
        return answers + [None] * (len(items) - len(answers))

    async def _send(self, client: Client, item: Outgoing) -> asyncio.Future[Msg | None]:
        self._count += 1
        token = str(self._count)
        answer: asyncio.Future[Msg | None] = asyncio.get_running_loop().create_future()
        headers = {DEDUPE_HEADER: item.message.id, **item.message.headers}
        headers.pop(WIRE_ID, None)
        self._waiting[token] = (answer, self._world.monotonic() + ANSWER_WITHIN)
        try:
            await client.publish(item.subject, item.message.data, reply=self._inbox + token, headers=headers)
        except BaseException:
            self._waiting.pop(token, None)
            raise
        return answer

    async def _subscribe(self, client: Client) -> None:
        async with self._subscribing:
            if client is not self._client:
                inbox = f"{client.new_inbox()}."
                await client.subscribe(f"{inbox}*", cb=self._answered)
                self._inbox, self._client = inbox, client

    async def _answered(self, answer: Msg) -> None:
        waiting = self._waiting.pop(answer.subject.rpartition(".")[2], None)
        if waiting is not None and not waiting[0].done():
            waiting[0].set_result(answer)

    def _give_up(self, token: str, answer: asyncio.Future[Msg | None]) -> None:
        self._waiting.pop(token, None)
        if not answer.done():
            answer.set_result(None)


def _receipt(item: Outgoing, answer: Msg | None, *, patient: bool) -> Receipt | None:
    """What the server says; None when it must be sent again: no answer, no leader, no room for a moment.

    ``patient``: the door may be full once. The server makes room a little after it has been told of an ack.
    """
    if answer is None or not answer.data:
        return None
    said: Mapping[str, object] = json.loads(answer.data)
    error = said.get("error")
    if not isinstance(error, dict):
        return Receipt(duplicate=bool(said.get("duplicate")))
    if item.door and not patient and error.get("err_code") in (STORE_FAILED, NO_ROOM, NO_ROOM_AT_ALL):
        raise BusFull("bus.full", f"{item.topic} takes no more: {str(error.get('description', ''))[:120]}")
    return None
