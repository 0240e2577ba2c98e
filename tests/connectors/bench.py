"""A client and a chat server for one test, on one clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bitbrat.connectors.twitch.irc_client import IrcClient
from bitbrat.connectors.twitch.irc_config import IrcConfig, IrcStatus
from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.fake_twitch import FakeTwitch
from tests.connectors.virtual import LoopWorld

TOKEN = "TOKEN"


@dataclass
class Heard:
    """What the client handed on, and the states it went through."""

    lines: list[IrcLine] = field(default_factory=list)
    states: list[IrcStatus] = field(default_factory=list)

    async def on_line(self, line: IrcLine) -> None:
        """Keep the line."""
        self.lines.append(line)

    @property
    def texts(self) -> list[str | None]:
        """What was said."""
        return [line.text for line in self.lines if line.command == "PRIVMSG"]

    @property
    def went_through(self) -> list[str]:
        """The states, each once in a row."""
        names = [status.state for status in self.states]
        return [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]


@asynccontextmanager
async def running(client: IrcClient) -> AsyncIterator[IrcClient]:
    """The client at work; it is stopped at the end, and what it raised is raised."""
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        await client.stop()
        await task


def make_client(url: str, heard: Heard, *, token: str | None = TOKEN, channels: tuple[str, ...] = ("chan",), **more: Any) -> IrcClient:
    """A client for ``bot`` on the loop's clock. IrcConfig's and IrcClient's further fields by name."""
    world = more.pop("world", None) or LoopWorld()
    config = {name: more.pop(name) for name in ("timings", "limits", "ignore_own_account", "nick") if name in more}
    settings = IrcConfig(**{"url": url, "nick": "bot", "token": token, "channels": channels, **config})
    return IrcClient(settings, **{"world": world, "on_line": heard.on_line, "on_state": heard.states.append, **more})


@asynccontextmanager
async def chat(**more: Any) -> AsyncIterator[tuple[FakeTwitch, IrcClient, Heard]]:
    """A server, a client that is in its channels, and what the client heard."""
    heard = Heard()
    async with FakeTwitch(world=more.get("world") or LoopWorld()) as server:
        for name in ("tokens", "moderated", "missing", "banned", "suspended", "piece"):
            if name in more:
                setattr(server, name, more.pop(name))
        async with running(make_client(server.url, heard, **more)) as client:
            await until(lambda: client.status.joined or client.status.join_failed)
            yield server, client, heard


async def until(true: Callable[[], object], *, within: float = 60.0) -> None:
    """Wait until ``true`` says so; TimeoutError after ``within`` seconds of the loop's clock."""
    step = 0.005
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(step)
            step = min(step * 1.2, 0.5)
