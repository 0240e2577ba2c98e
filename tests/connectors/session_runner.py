"""Plays a scripted IRC session to whatever client connects. It knows the script and the socket, and no client.

A script is a list of steps: ``send`` and ``send_hex_chunks`` (server to client), ``expect`` (client to server, ``within_s``),
``silence_s``, ``close``, ``expect_reconnect``. What a script does not say is done obligingly: a login is welcomed, a JOIN is echoed,
a PING is answered.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from bitbrat.fake_twitch import Connection, LineServer

Step = dict[str, Any]
_WELCOME = ":tmi.twitch.tv 001 {0} :Welcome\r\n:tmi.twitch.tv 376 {0} :>\r\n"
_JOINED = ":{0}!{0}@{0}.tmi.twitch.tv JOIN {1}\r\n@room-id=100;slow=0 :tmi.twitch.tv ROOMSTATE {1}\r\n"
_BETWEEN = 0.05


@dataclass
class Played:
    """What a run showed on the server's side."""

    unmet: list[str] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    finished: bool = False

    def said(self, command: str, connection: int | None = None) -> list[str]:
        """The client's lines of this command, on one connection or on all."""
        chosen = self.connections if connection is None else self.connections[connection : connection + 1]
        return [line for one in chosen for line in one.lines if line.split(" ", 1)[0] == command]


class ScriptedServer:
    """Plays ``steps`` on each connection; after an expected reconnect, and after the last step, it obliges."""

    def __init__(self, steps: list[Step]) -> None:
        self.played = Played()
        self.server = LineServer(self._serve)
        self.played.connections = self.server.connections
        self._steps = steps
        self._over = asyncio.Event()

    async def over(self, within: float) -> None:
        """Wait until the script has been played once, or ``within`` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._over.wait()
        except TimeoutError:
            self.played.unmet.append("the script did not come to its end")

    async def _serve(self, connection: Connection) -> None:
        reconnects = any("expect_reconnect" in step for step in self._steps)
        inbox = _Inbox(connection)
        if connection.number == 0 or not reconnects:
            for step in self._steps:
                await self._play(connection, inbox, step)
            self.played.finished = True
            self._over.set()
        await _oblige(connection, inbox)

    async def _play(self, connection: Connection, inbox: _Inbox, step: Step) -> None:
        match step:
            case {"expect": expected}:
                if not await inbox.has(expected, within=step.get("within_s", 30)):
                    self.played.unmet.append(f"the client did not say {expected!r}")
            case {"send": text}:
                await _send(connection, text.encode())
            case {"send_hex_chunks": chunks}:
                for chunk in chunks:
                    await _send(connection, bytes.fromhex(chunk))
            case {"silence_s": seconds}:
                await asyncio.sleep(seconds)
            case {"close": True}:
                await connection.close()
            case {"expect_reconnect": True}:
                await self._reconnected()

    async def _reconnected(self) -> None:
        for _ in range(1200):
            if len(self.played.connections) > 1:
                return
            await asyncio.sleep(0.1)
        self.played.unmet.append("the client did not connect again")


class _Inbox:
    """What the client has said and nobody has looked for yet."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lines: list[str] = []

    async def has(self, expected: str, *, within: float) -> bool:
        """Whether the client says it in time: the line itself, or a line that begins with it as a word. Other lines are kept."""
        try:
            async with asyncio.timeout(within):
                while not (found := [line for line in self._lines if line == expected or line.startswith(f"{expected} ")]):
                    self._lines.append(await self._next())
        except (TimeoutError, EOFError):
            return False
        self._lines.remove(found[0])
        return True

    async def take(self) -> str:
        """The next line, kept ones first. EOFError when the client is gone."""
        return self._lines.pop(0) if self._lines else await self._next()

    async def _next(self) -> str:
        line = await self._connection.readline()
        if line is None:
            raise EOFError
        return line


async def _send(connection: Connection, data: bytes) -> None:
    await connection.send(data)
    await asyncio.sleep(_BETWEEN)  # so that it arrives by itself


async def _oblige(connection: Connection, inbox: _Inbox) -> None:
    nick = "?"
    while connection.open:
        try:
            line = await inbox.take()
        except EOFError:
            return
        command, _, argument = line.partition(" ")
        nick = argument if command == "NICK" else nick
        answers = {"NICK": _WELCOME.format(nick), "JOIN": _JOINED.format(nick, argument), "PING": f":tmi.twitch.tv PONG {argument}\r\n"}
        await connection.send(answers.get(command, "").encode()) if command in answers else None
