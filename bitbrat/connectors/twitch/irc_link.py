"""One connection at work: a transport, the rules, and the two loops that bring them together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import groupby

from bitbrat.connectors.twitch.irc_effects import Deliver, Effect, End, Ended, HandOver, LoginRefused, Note, Online, Write
from bitbrat.connectors.twitch.irc_line import IrcError, IrcLine, is_blank, parse_line
from bitbrat.connectors.twitch.irc_session import IrcSession
from bitbrat.connectors.twitch.irc_split import LineSplitter
from bitbrat.connectors.twitch.irc_transport import Transport
from bitbrat.errors import ConnectorError
from bitbrat.world import World


class IrcLink:
    """Reads, answers and watches one connection until it ends.

    ``deliver`` is awaited for each line that is the consumer's, in order, while nothing more is read; ``report`` is told every effect
    that is not a line to write or to deliver.
    """

    def __init__(
        self,
        transport: Transport,
        session: IrcSession,
        *,
        world: World,
        deliver: Callable[[IrcLine], Awaitable[None]],
        report: Callable[[Effect], None],
    ) -> None:
        self.session = session
        self.online = asyncio.Event()
        self.leaving = asyncio.Event()
        self.settled = asyncio.Event()
        self.end: End | None = None
        self.online_at = 0.0
        self._transport = transport
        self._world = world
        self._deliver = deliver
        self._report = report
        self._over = asyncio.Event()
        self._reading = asyncio.Event()
        self._reading.set()
        self._nudge = asyncio.Event()

    @property
    def usable(self) -> bool:
        """Whether a message may be written now."""
        return self.online.is_set() and self.end is None

    async def run(self) -> End:
        """Log in and stay until the end; gives the end's cause. The transport is closed then."""
        tasks = [asyncio.create_task(self._guard(loop)) for loop in (self._read, self._watch)]
        try:
            await self._over.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.stop(Ended("irc.disconnected", "we closed the connection"))
            await self._transport.close()
        return self.end or Ended("irc.disconnected", "")

    def stop(self, end: End) -> None:
        """End the connection. The first end counts."""
        self.end = self.end or end
        self._over.set()

    async def over(self) -> None:
        """Wait for the end."""
        await self._over.wait()

    async def retire(self, overlap: float) -> None:
        """Read on for ``overlap`` seconds, and until no line is in hand, then end."""
        await asyncio.sleep(overlap)
        await self._reading.wait()
        self.stop(Ended("irc.disconnected", "a newer connection took over"))

    async def write(self, line: str) -> None:
        """Write one line. Raises ConnectorError as :class:`Transport` does."""
        await self._transport.write(f"{line}\r\n".encode())

    async def _guard(self, loop: Callable[[], Awaitable[None]]) -> None:
        try:
            await loop()
        except ConnectorError as exc:
            self.stop(Ended("irc.disconnected", exc.message))
        except Exception as exc:  # a mistake of ours ends this connection, never the client
            self.stop(Ended("irc.disconnected", f"unexpected {type(exc).__name__}: {exc}"))

    async def _read(self) -> None:
        await self._carry_out(self.session.start(self._world.monotonic()))
        splitter = LineSplitter()
        while data := await self._transport.read():
            for item in splitter.feed(data):
                if isinstance(item, IrcError):
                    return self.stop(Ended(item.code, item.message))
                await self._take(item)
        self.stop(Ended("irc.disconnected", "the server closed the connection"))
        return None

    async def _take(self, raw: bytes) -> None:
        if is_blank(raw):
            return
        try:
            line = parse_line(raw)
        except IrcError as exc:
            self._report(Note(exc.code, exc.message))
            return
        await self._carry_out(self.session.receive(line, self._world.monotonic()))
        self._nudge.set()

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(min(self.session.due(self._world.monotonic()), 3600.0)):
                    await self._nudge.wait()
            except TimeoutError:
                pass
            self._nudge.clear()
            await self._reading.wait()
            await self._carry_out(self.session.tick(self._world.monotonic()))

    async def _carry_out(self, effects: Iterable[Effect]) -> None:
        for writes, group in groupby(effects, key=lambda effect: isinstance(effect, Write)):
            if writes:  # at one go: a server that refuses a login resets the connection, and a second write would hide why
                await self._transport.write("".join(f"{effect.text}\r\n" for effect in group if isinstance(effect, Write)).encode())
            else:
                for effect in group:
                    await self._apply(effect)
        if self.session.settled:
            self.settled.set()

    async def _apply(self, effect: Effect) -> None:
        if isinstance(effect, Deliver):
            await self._hand_on(effect.line)
        else:
            self._note(effect)
            self._report(effect)

    def _note(self, effect: Effect) -> None:
        match effect:
            case Online():
                self.online_at = self._world.monotonic()
                self.online.set()
                self._nudge.set()
            case HandOver():
                self.leaving.set()
            case Ended() | LoginRefused():
                self.stop(effect)

    async def _hand_on(self, line: IrcLine) -> None:
        self._reading.clear()
        before = self._world.monotonic()
        try:
            await self._deliver(line)
        finally:
            self._reading.set()
        if self._world.monotonic() - before > 0.05:  # it waited for room
            self.session.not_reading(self._world.monotonic())
