"""Messages on their way out: each waits for its turn, is written once, and waits a moment for Twitch's word about it.

Twitch answers a message with USERSTATE (taken) or NOTICE (refused), and sometimes with neither: neither is guaranteed. Whoever must know
uses Helix.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from bitbrat.connectors.twitch.irc_config import IrcConfig, SendResult, channel_name
from bitbrat.connectors.twitch.irc_effects import Acknowledged, Refused
from bitbrat.connectors.twitch.irc_link import IrcLink
from bitbrat.connectors.twitch.irc_log import IrcLog
from bitbrat.connectors.twitch.irc_send import DuplicateGuard, prepare, privmsg
from bitbrat.connectors.twitch.irc_tasks import first, turn
from bitbrat.connectors.twitch.rate import SendBudget
from bitbrat.errors import ConnectorError
from bitbrat.world import World


@dataclass(eq=False)
class _Outstanding:
    channel: str
    nonce: str
    answer: asyncio.Future[Refused | None] = field(repr=False)


@dataclass(frozen=True)
class Turn:
    """A channel's turn to speak: nobody else writes to the channel until it ends."""

    outbox: Outbox
    channel: str
    deadline: datetime | None

    async def send(self, text: str, *, reply_to: str = "", action: bool = False) -> SendResult:
        """Say ``text`` now; see :meth:`IrcClient.send`."""
        parts = prepare(text, action=action)
        if not parts:
            return SendResult(False, 0, 0, code="egress.empty", message="nothing is left to say once line ends and controls are gone")
        return await self.outbox.send_parts(self.channel, parts, reply_to, self.deadline)


class Outbox:
    """The one way out of an account. Messages of one channel leave in the order of the calls, and are not mixed."""

    def __init__(self, config: IrcConfig, *, world: World, link: Callable[[], IrcLink | None], log: IrcLog) -> None:
        self.queued = 0
        self._config = config
        self._world = world
        self._link = link
        self._log = log
        self._budget = SendBudget(config.limits.sends)
        self._guard = DuplicateGuard(config.limits.sends.seconds)
        self._channels: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._lanes = {True: asyncio.Lock(), False: asyncio.Lock()}
        self._outstanding: list[_Outstanding] = []

    @asynccontextmanager
    async def turn(self, channel: str, *, deadline: datetime | None) -> AsyncIterator[Turn]:
        """Wait until ``channel`` may be spoken to, and keep it; see :meth:`IrcClient.turn`."""
        channel = channel_name(channel)
        self.queued += 1
        try:
            async with self._channels[channel]:
                await self._wait(channel, deadline)
                yield Turn(self, channel, deadline)
        finally:
            self.queued -= 1

    async def send_parts(self, channel: str, parts: list[str], reply_to: str, deadline: datetime | None) -> SendResult:
        """Write ``parts`` in order, in the channel's turn."""
        acknowledged = True
        for number, part in enumerate(parts):
            try:
                answer = await self._send_one(channel, part, reply_to, deadline)
            except ConnectorError as exc:
                if number == 0 or exc.code not in ("egress.not_sent", "egress.too_late"):
                    raise
                raise ConnectorError("egress.unknown_outcome", f"{number} of {len(parts)} parts were written: {exc.message}") from exc
            if isinstance(answer, Refused):
                self._log.say("warning", "egress.refused", f"#{channel}: {answer.msg_id}")
                return SendResult(False, len(parts), number + 1, code="egress.refused", notice=answer.msg_id, message=answer.text)
            acknowledged = acknowledged and answer
        return SendResult(True, len(parts), len(parts), acknowledged=acknowledged)

    async def _send_one(self, channel: str, part: str, reply_to: str, deadline: datetime | None) -> Refused | bool:
        link, now = await self._wait(channel, deadline), self._world.monotonic()
        self._budget.take(channel, now)
        nonce = self._world.token(8)
        waiting = _Outstanding(channel, nonce, asyncio.get_running_loop().create_future())
        self._outstanding.append(waiting)
        try:
            await link.write(privmsg(channel, self._guard.vary(channel, part, now), nonce=nonce, reply_to=reply_to))
            self._log.count("sent")
            return await self._answer(waiting, link)
        finally:
            self._outstanding.remove(waiting)

    async def _wait(self, channel: str, deadline: datetime | None) -> IrcLink:
        """The connection to write to, once the limits allow it."""
        self._ready()  # asked before the wait, so that nobody queues for a connection that is not there
        await self._turn(channel)
        if deadline is not None and self._world.now() > deadline:
            raise ConnectorError("egress.too_late", "its turn came after its deadline")
        return self._ready()

    def _ready(self) -> IrcLink:
        link = self._link()
        if link is None or not link.usable:
            raise ConnectorError("egress.not_sent", "there is no connection to the chat now")
        if self._config.token is None:
            raise ConnectorError("egress.not_sent", "the connection is anonymous and can only read")
        return link

    async def _turn(self, channel: str) -> None:
        """Wait for the channel's pace first, then in line for the account's window: a paced channel holds up no other."""
        await turn(lambda: self._budget.pause(channel, self._privileged(channel), self._world.monotonic()))
        async with self._lanes[self._privileged(channel)]:
            await turn(lambda: self._budget.wait(self._privileged(channel), self._world.monotonic()))

    def _privileged(self, channel: str) -> bool:
        link = self._link()
        return link is not None and link.session.privileged(channel)

    async def _answer(self, waiting: _Outstanding, link: IrcLink) -> Refused | bool:
        """Twitch's no, or whether a yes came in time. Raises when the connection ends first: then nobody knows."""
        await first(asyncio.wait({waiting.answer}, timeout=self._config.timings.ack_wait), link.over())
        if waiting.answer.done():
            return waiting.answer.result() or True
        if link.end is not None:
            raise ConnectorError("egress.unknown_outcome", "the connection ended right after the message was written")
        return False

    def heard(self, effect: Acknowledged | Refused) -> None:
        """Match Twitch's word to a message: a yes by its nonce, or the oldest of the channel; a no to the channel's last."""
        mine = [one for one in self._outstanding if one.channel == effect.channel and not one.answer.done()]
        if isinstance(effect, Refused):
            if mine:
                mine[-1].answer.set_result(effect)
        elif taken := [one for one in mine if effect.nonce in ("", one.nonce)]:
            taken[0].answer.set_result(None)

    def is_echo(self, channel: str, text: str) -> bool:
        """Whether this is what we said last in that channel."""
        return self._guard.is_echo(channel, text, self._world.monotonic())
