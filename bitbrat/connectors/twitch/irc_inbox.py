"""Lines on their way from the connections to the consumer: one order, each message once, never more than the buffer holds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.connectors.twitch.irc_log import IrcLog

_REMEMBERED = 5000


class Inbox:
    """Hands lines to ``on_line`` one after the other. A line whose message was taken already, on this or another connection, is dropped."""

    def __init__(self, on_line: Callable[[IrcLine], Awaitable[None]], *, size: int, log: IrcLog) -> None:
        self._on_line = on_line
        self._lines: asyncio.Queue[IrcLine] = asyncio.Queue(size)
        self._seen: OrderedDict[Hashable, None] = OrderedDict()
        self._log = log

    async def put(self, line: IrcLine) -> None:
        """Take a line; waits while the buffer is full."""
        if self._is_double(line):
            self._log.count("duplicates")
            return
        await self._lines.put(line)

    async def run(self) -> None:
        """Deliver until cancelled. What the consumer raises is logged and counted; the next line goes on."""
        while True:
            line = await self._lines.get()
            try:
                await self._on_line(line)
                self._log.count("lines")
            except Exception as exc:
                self._log.say("error", "irc.line_refused", f"a {line.command} line was not accepted: {exc!r}")
            finally:
                self._lines.task_done()

    async def drain(self, wait: float) -> None:
        """Wait until what was taken is delivered, at most ``wait`` seconds."""
        try:
            async with asyncio.timeout(wait):
                await self._lines.join()
        except TimeoutError:
            self._log.say("warning", "irc.lines_dropped", f"{self._lines.qsize()} lines were read and not delivered in time")

    def _is_double(self, line: IrcLine) -> bool:
        key = _identity(line)
        if key is None:
            return False
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False


def _identity(line: IrcLine) -> Hashable | None:
    """The message's id; without one, what it says and when. A line with neither cannot be told from its like and is kept."""
    if line.tag("id"):
        return line.tag("id")
    return (line.command, line.params, line.tag("tmi-sent-ts")) if line.tag("tmi-sent-ts") else None
