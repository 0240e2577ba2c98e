"""Twitch's chat as a client sees it: login, join, PING, messages with USERSTATE as the answer, refusals, RECONNECT.

It holds clients to Twitch's rules without enforcing them: what a client sent and when is kept in ``sent``, for whoever wants to judge.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bitbrat.connectors.twitch.irc_line import IrcLine, escape, parse_line
from bitbrat.fake_twitch.sockets import Connection, LineServer
from bitbrat.world import RealWorld, World

_HOST = ":tmi.twitch.tv"


@dataclass(frozen=True)
class Sent:
    """A message that a client sent: when (seconds, monotonic), as whom, where, what, and with which tags."""

    at: float
    login: str
    channel: str
    text: str
    tags: Mapping[str, str]


@dataclass
class _Client:
    connection: Connection
    login: str = ""
    password: str = ""
    channels: set[str] = field(default_factory=set)


class FakeTwitch:
    """One chat server. Everything that may go wrong is an attribute that can be set while it runs.

    ``tokens``: the passwords that are accepted, without ``oauth:`` (None: any). ``moderated``: channels where every login is moderator.
    ``missing``: channels that give no answer. ``banned``, ``suspended``: channels that refuse a JOIN. ``refusals``: channel → msg-id
    with which messages there are refused. ``silent``: nothing is answered any more, as on a half-open link. ``acknowledge``: whether a
    message gets its USERSTATE. ``piece``: outgoing bytes are cut into pieces of this size.
    """

    def __init__(self, *, world: World | None = None, tls: ssl.SSLContext | None = None, tokens: Collection[str] | None = None) -> None:
        self.tokens = tokens
        self.moderated: set[str] = set()
        self.missing: set[str] = set()
        self.banned: set[str] = set()
        self.suspended: set[str] = set()
        self.refusals: dict[str, str] = {}
        self.silent = False
        self.acknowledge = True
        self.piece = 0
        self.sent: list[Sent] = []
        self.passwords: list[str] = []
        self.joins: list[str] = []
        self.clients: list[_Client] = []
        self._world = world or RealWorld()
        self._server = LineServer(self._serve, tls=tls)
        self._changed = asyncio.Condition()
        self._answers = {"PASS": self._pass, "NICK": self._nick, "CAP": self._cap, "JOIN": self._join, "PING": self._ping}
        self._answers["PRIVMSG"] = self._privmsg
        self._count: defaultdict[str, int] = defaultdict(int)

    @property
    def url(self) -> str:
        """``irc://127.0.0.1:port``, or ``ircs://`` with TLS."""
        return self._server.url

    @property
    def ws_url(self) -> str:
        """``ws://127.0.0.1:port/``, or ``wss://`` with TLS."""
        return self._server.ws_url

    @property
    def connections(self) -> list[Connection]:
        """Every connection so far, also those that are closed."""
        return self._server.connections

    async def start(self) -> None:
        """Listen on free ports of 127.0.0.1."""
        await self._server.start()

    async def stop(self) -> None:
        """Close everything."""
        await self._server.stop()

    async def __aenter__(self) -> FakeTwitch:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # what the server does

    async def play(self, lines: Iterable[str], *, pause: float = 0.0) -> None:
        """Send raw lines to every client that is in the line's channel; a line without a channel goes to all."""
        for line in lines:
            await self._to_channel(_channel_of(line), line)
            if pause:
                await asyncio.sleep(pause)

    async def say(self, channel: str, login: str, text: str, **tags: str) -> str:
        """A chat message of somebody else; gives its message id. Tags are added to the usual ones (``user_id`` is ``user-id``)."""
        self._count["messages"] += 1
        message_id = tags.pop("id", f"00000000-0000-4000-8000-{self._count['messages']:012d}")
        named = {name.replace("_", "-"): value for name, value in tags.items()}
        usual = {"badges": "", "color": "", "display-name": login, "emotes": "", "id": message_id, "room-id": "100", "user-id": "2"}
        written = ";".join(f"{name}={escape(value)}" for name, value in {**usual, **named}.items())
        await self._to_channel(channel, f"@{written} :{login}!{login}@{login}.tmi.twitch.tv PRIVMSG #{channel} :{text}")
        return message_id

    async def ask_to_reconnect(self) -> None:
        """RECONNECT to every client."""
        await self.play([f"{_HOST} RECONNECT"])

    async def ping(self, argument: str) -> None:
        """PING every client."""
        await self.play([f"PING :{argument}"])

    async def drop(self) -> None:
        """Close every connection, as a broken network does."""
        for client in list(self.clients):
            await client.connection.close()

    async def until(self, true: str, **want: int) -> None:
        """Wait until an attribute's length is at least so much: ``until("sent", at_least=3)``."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(getattr(self, true)) >= want["at_least"])

    # what it answers

    async def _serve(self, connection: Connection) -> None:
        client = _Client(connection)
        self.clients.append(client)
        try:
            while (raw := await connection.readline()) is not None:
                await self._take(client, raw)
        finally:
            self.clients.remove(client)

    async def _take(self, client: _Client, raw: str) -> None:
        if self.silent or not raw.strip():
            return
        line = parse_line(raw)
        if answer := self._answers.get(line.command):
            await answer(client, line)
        async with self._changed:
            self._changed.notify_all()

    async def _cap(self, client: _Client, line: IrcLine) -> None:
        await self._write(client, f"{_HOST} CAP * ACK :{line.params[-1]}")

    async def _pass(self, client: _Client, line: IrcLine) -> None:
        client.password = line.params[-1]
        self.passwords.append(client.password)

    async def _nick(self, client: _Client, line: IrcLine) -> None:
        login = line.params[-1].lower()
        if refusal := self._refusal(login, client.password):
            await self._write(client, f"{_HOST} NOTICE * :{refusal}")
            await client.connection.close()
            return
        client.login = login
        texts = {"001": "Welcome, GLHF!", "002": "Your host is tmi.twitch.tv", "003": "This server is rather new", "004": "-"}
        await self._write(client, *(f"{_HOST} {number} {login} :{text}" for number, text in texts.items()), f"{_HOST} 376 {login} :>")
        if client.password:
            await self._write(client, f"@badges=;display-name={login};user-id=1 {_HOST} GLOBALUSERSTATE")

    def _refusal(self, login: str, password: str) -> str:
        if login.startswith("justinfan"):
            return ""
        if not password.startswith("oauth:"):
            return "Improperly formatted auth"
        return "" if self.tokens is None or password[6:] in self.tokens else "Login authentication failed"

    async def _join(self, client: _Client, line: IrcLine) -> None:
        for channel in (name.removeprefix("#") for name in line.params[0].split(",")):
            self.joins.append(channel)
            await self._join_one(client, channel)

    async def _join_one(self, client: _Client, channel: str) -> None:
        if channel in self.missing:
            return
        for refused, msg_id in ((self.banned, "msg_banned"), (self.suspended, "msg_channel_suspended")):
            if channel in refused:
                await self._write(client, f"@msg-id={msg_id} {_HOST} NOTICE #{channel} :You cannot join {channel}.")
                return
        who = f":{client.login}!{client.login}@{client.login}.tmi.twitch.tv"
        room = f"@emote-only=0;followers-only=-1;r9k=0;room-id=100;slow=0;subs-only=0 {_HOST} ROOMSTATE #{channel}"
        client.channels.add(channel)
        await self._write(client, f"{who} JOIN #{channel}", self._userstate(channel), room, f"{_HOST} 366 {client.login} #{channel} :End")

    async def _ping(self, client: _Client, line: IrcLine) -> None:
        await self._write(client, f"{_HOST} PONG tmi.twitch.tv :{line.params[-1] if line.params else ''}")

    async def _privmsg(self, client: _Client, line: IrcLine) -> None:
        self.sent.append(Sent(self._world.monotonic(), client.login, line.channel, line.text or "", line.tags))
        if msg_id := self.refusals.get(line.channel):
            await self._write(client, f"@msg-id={msg_id} {_HOST} NOTICE #{line.channel} :Your message was not sent.")
        elif self.acknowledge:
            await self._write(client, self._userstate(line.channel, line.tag("client-nonce")))

    def _userstate(self, channel: str, nonce: str = "") -> str:
        mod = channel in self.moderated
        tags = f"badges={'moderator/1' if mod else ''};mod={int(mod)};user-type={'mod' if mod else ''}"
        return f"@{tags}{f';client-nonce={nonce}' if nonce else ''} {_HOST} USERSTATE #{channel}"

    async def _to_channel(self, channel: str, line: str) -> None:
        for client in list(self.clients):
            if not channel or channel in client.channels:
                await self._write(client, line)

    async def _write(self, client: _Client, *lines: str) -> None:
        data = "".join(f"{line}\r\n" for line in lines).encode()
        size = self.piece or len(data)
        for start in range(0, len(data), size):
            await client.connection.send(data[start : start + size])
            if self.piece:
                await asyncio.sleep(0)  # lets the reader see each piece by itself


def _channel_of(line: str) -> str:
    try:
        return parse_line(line).channel.lower()
    except Exception:
        return ""  # a poison line goes to everybody
