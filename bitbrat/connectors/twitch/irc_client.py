"""A Twitch chat connection that stays up: logs in, joins, reads in order, sends within its budget, comes back by itself."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType

from pydantic import SecretStr

from bitbrat.connectors.twitch.irc_config import IrcConfig, IrcStatus, SendResult, State
from bitbrat.connectors.twitch.irc_effects import Acknowledged, Effect, Ended, Joined, JoinFailed, LoginRefused, Note, Refused
from bitbrat.connectors.twitch.irc_inbox import Inbox
from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.connectors.twitch.irc_link import IrcLink
from bitbrat.connectors.twitch.irc_log import IrcLog, Logger
from bitbrat.connectors.twitch.irc_outbox import Outbox, Turn
from bitbrat.connectors.twitch.irc_session import IrcSession
from bitbrat.connectors.twitch.irc_signin import SignIn, TokenProvider
from bitbrat.connectors.twitch.irc_tasks import cancel, first, turn
from bitbrat.connectors.twitch.irc_transport import connect
from bitbrat.connectors.twitch.rate import SlidingWindow, full_jitter
from bitbrat.errors import ConnectorError
from bitbrat.world import World

OnLine = Callable[[IrcLine], Awaitable[None]]


class IrcClient:
    """One account's chat connection.

    ``on_line`` is awaited for each chat line, one after the other; what it raises is logged and counted (``counts``), and the next line
    goes on. ``on_state`` is told every change of state. ``token_provider`` gives a fresh token after the server refused the last one; it
    is asked once, and again only after a login that worked. ``session`` are the rules of a connection, ``tls`` the certificates to trust.
    """

    def __init__(
        self,
        config: IrcConfig,
        *,
        world: World,
        on_line: OnLine,
        on_state: Callable[[IrcStatus], None] | None = None,
        token_provider: TokenProvider | None = None,
        log: Logger | None = None,
        session: type[IrcSession] = IrcSession,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.config = config
        self._world = world
        self._on_state = on_state
        self._session = session
        self._tls = tls
        self._log = IrcLog(log)
        self._sign_in = SignIn(config.token, token_provider, self._log)
        self._inbox = Inbox(on_line, size=config.limits.buffer_lines, log=self._log)
        self._outbox = Outbox(config, world=world, link=self._usable, log=self._log)
        self._joins = SlidingWindow(*config.limits.joins)
        self._logins = SlidingWindow(*config.limits.logins)
        self._links: list[IrcLink] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: dict[str, tuple[str, bool]] = {}
        self._status = IrcStatus("stopped", world.now())
        self._stop = asyncio.Event()
        self._attempt = 0

    @property
    def status(self) -> IrcStatus:
        """The state, since when and why, the joined channels, and those that could not be joined."""
        joined = frozenset(channel for link in self._links if link.usable for channel in link.session.joined)
        failed = {channel: reason for channel, (reason, _) in self._failed.items()}
        state: State = self._status.state
        if state == "online" and not self._usable():  # it is lost already; the loop that says so has not run yet
            state = "reconnecting"
        return replace(self._status, state=state, joined=joined, join_failed=MappingProxyType(failed))

    @property
    def queued(self) -> int:
        """How many calls of :meth:`send` have not ended yet."""
        return self._outbox.queued

    @property
    def counts(self) -> Counter[str]:
        """How often each thing has happened since the start: lines, sent, duplicates, and every code that was logged."""
        return self._log.counts

    def roles(self, channel: str) -> frozenset[str]:
        """What we are in that channel: ``moderator``, ``vip``, ``broadcaster``, or nothing that counts."""
        link = self._usable()
        return link.session.roles.get(channel, frozenset()) if link else frozenset()

    def room(self, channel: str) -> Mapping[str, str]:
        """The channel's ROOMSTATE, all its parts so far: ``slow``, ``followers-only``, ``emote-only``, …"""
        link = self._usable()
        return MappingProxyType(link.session.rooms.get(channel, {}) if link else {})

    async def run(self) -> None:
        """Stay connected until cancelled or stopped; what was read by then is still delivered, for ``drain_wait`` seconds at most.

        Never raises for the network or a refused login; see :attr:`status`.
        """
        self._stop.clear()
        deliver = asyncio.create_task(self._inbox.run())
        try:
            await first(self._stay(), self._stop.wait())
        finally:
            await cancel(*self._tasks)
            await self._inbox.drain(self.config.timings.drain_wait)  # also when cancelled: IRC does not say it again
            await cancel(deliver)
            self._set("stopped", "")

    async def stop(self) -> None:
        """Ask :meth:`run` to close the connections, deliver what was read, and return."""
        self._stop.set()

    async def send(
        self, channel: str, text: str, *, reply_to: str | None = None, action: bool = False, deadline: datetime | None = None
    ) -> SendResult:
        """Say ``text`` in ``channel``: cleaned, split at 500 code points, each part within the account's budget, in order.

        Waits for its turn, writes once, and waits a moment for Twitch's answer; no answer is not a failure. Cancelled while it waits
        for its turn, it has written nothing. Raises ConnectorError ``egress.not_sent``: not a byte was written, another try is safe;
        ``egress.too_late``: neither, for its turn came after ``deadline``; ``egress.unknown_outcome``: something was, and nobody knows what
        became of it. ConfigError for a name that is no channel's.
        """
        async with self.turn(channel, deadline=deadline) as turn:
            return await turn.send(text, reply_to=reply_to or "", action=action)

    def turn(self, channel: str, *, deadline: datetime | None = None) -> AbstractAsyncContextManager[Turn]:
        """Wait for a turn in ``channel`` and keep it until the block ends: ``async with client.turn(name) as turn: await turn.send(text)``.

        Until then nothing is written: whoever notes down that a write begins need not do it earlier. Raises as :meth:`send` does.
        """
        return self._outbox.turn(channel, deadline=deadline)

    def sign_in(self, token: SecretStr | str) -> None:
        """Go on with this token after ``needs_signin`` or ``config_error``. Raises ConfigError when it cannot be one."""
        self._sign_in.give(token)

    # staying connected

    async def _stay(self) -> None:
        old: IrcLink | None = None
        while True:
            link = await self._login()
            if isinstance(link, IrcLink):
                self._sign_in.worked()
                self._set("online", "")
                if old:
                    self._spawn(self._relieve(old, link))
                old = await self._watch(link)
            else:
                await self._recover(link)

    async def _login(self) -> IrcLink | Ended | LoginRefused:
        """A link that the server has welcomed, or why there is none."""
        await turn(lambda: self._logins.wait(self._world.monotonic()))
        self._logins.take(self._world.monotonic())
        if self._status.state == "stopped":
            self._set("connecting", "")
        try:
            transport = await connect(self.config.url, wait=self.config.timings.connect_wait, tls=self._tls)
        except ConnectorError as exc:
            return Ended(exc.code, exc.message)
        session = self._new_session()
        link = IrcLink(transport, session, world=self._world, deliver=partial(self._deliver, session), report=self._heard)
        self._links.append(link)
        self._spawn(self._keep(link))
        await first(link.online.wait(), link.over())
        return link if link.usable else link.end or Ended("irc.disconnected", "the login was cut short")

    async def _keep(self, link: IrcLink) -> None:
        try:
            await link.run()
        finally:
            self._links.remove(link)

    async def _watch(self, link: IrcLink) -> IrcLink:
        """Wait until a new connection is wanted; gives the one that it will replace."""
        await first(link.leaving.wait(), link.over())
        if self._world.monotonic() - link.online_at >= self.config.timings.stable_after:
            self._attempt = 0
        if not link.usable:
            await self._recover(link.end or Ended("irc.disconnected", ""))
        else:
            self._set("online", "the server asked us to reconnect; a new connection is being opened")
            if self._attempt:  # it asks again and again: not as fast as it asks
                await self._back_off()
            self._attempt += 1
        return link

    async def _relieve(self, old: IrcLink, new: IrcLink) -> None:
        """Read both until the new one is in every channel, then let the old one go. Doubles are taken out by the inbox."""
        await first(new.settled.wait(), new.over(), old.over())
        if new.usable and old.usable:
            await first(old.retire(self.config.timings.overlap), old.over())

    async def _recover(self, end: Ended | LoginRefused) -> None:
        """Get ready for the next try: at once with a fresh token, later by the back-off, or not before somebody signs in."""
        if isinstance(end, LoginRefused):
            if end.permanent:
                return await self._park("config_error", "irc.bad_auth_format", end.text)
            if await self._sign_in.refresh():
                return None
            return await self._park("needs_signin", "irc.login_failed", end.text)
        self._log.say("warning", end.code, end.cause)
        self._set("online" if self._usable() else "reconnecting", end.cause, end.code)
        await self._back_off()
        self._attempt += 1
        return None

    async def _back_off(self) -> None:
        times = self.config.timings
        await asyncio.sleep(full_jitter(self._attempt, base=times.backoff_base, cap=times.backoff_cap, random=self._world.random()))

    async def _park(self, state: State, code: str, cause: str) -> None:
        self._log.say("error", code, cause)
        self._set(state, cause, code)
        await self._sign_in.given()

    # what the connections report

    def _heard(self, effect: Effect) -> None:
        match effect:
            case Joined(channel):
                self._failed.pop(channel, None)
                self._tell()
            case JoinFailed(channel, reason, final):
                self._failed[channel] = (reason, final)
                self._log.say("warning", "irc.join_failed", f"#{channel}: {reason}")
                self._tell()
            case Acknowledged() | Refused():
                self._outbox.heard(effect)
            case Note(event, text):
                self._log.say("warning", event, text)

    async def _deliver(self, session: IrcSession, line: IrcLine) -> None:
        own = line.command == "PRIVMSG" and line.nick.lower() == session.nick
        if own and (self.config.ignore_own_account or self._outbox.is_echo(line.channel, line.text or "")):
            self._log.count("own")
        else:
            await self._inbox.put(line)

    def _new_session(self) -> IrcSession:
        refused = {channel for channel, (_, final) in self._failed.items() if final}
        return self._session(
            nick=self.config.nick if self._sign_in.token else f"justinfan{10_000 + int(self._world.random() * 80_000)}",
            token=self._sign_in.token,
            channels=[channel for channel in self.config.channels if channel not in refused],
            joins=self._joins,
            timings=self.config.timings,
            limits=self.config.limits,
        )

    def _usable(self) -> IrcLink | None:
        """The newest connection that has joined everything, else the newest that is logged in."""
        usable = [link for link in reversed(self._links) if link.usable]
        return next((link for link in usable if link.session.settled), usable[0] if usable else None)

    def _set(self, state: State, cause: str, code: str = "") -> None:
        now = self._status
        if (state, cause, code) != (now.state, now.cause, now.code):
            since = now.since if state == now.state else self._world.now()
            self._status = IrcStatus(state, since, cause, code)
            self._tell()

    def _tell(self) -> None:
        if self._on_state:
            self._on_state(self.status)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
