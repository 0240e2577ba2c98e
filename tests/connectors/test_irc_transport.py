"""The same chat over TCP, TLS and WebSocket, in real time."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvloop

from bitbrat.connectors.twitch.irc_client import IrcClient
from bitbrat.connectors.twitch.irc_config import IrcConfig, IrcTimings
from bitbrat.connectors.twitch.irc_transport import connect
from bitbrat.errors import ConfigError, ConnectorError
from bitbrat.fake_twitch import Connection, FakeTwitch, LineServer
from bitbrat.world import RealWorld
from tests.components import Absent, require
from tests.connectors.bench import Heard, make_client, running, until

WAYS = ["tcp", "tls", "ws", "wss-tls"]


@dataclass(frozen=True)
class Tls:
    """A certificate of this test run, for the server, and the trust in it, for the client."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def openssl() -> str | Absent:
    """The program that makes certificates."""
    return shutil.which("openssl") or Absent("no openssl program to make a certificate with")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate that nobody else trusts, for 127.0.0.1."""
    folder: Path = tmp_path_factory.mktemp("tls")
    made = [require("openssl", openssl()), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*made, *names, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Tls(server, ssl.create_default_context(cafile=str(folder / "cert.pem")))


@asynccontextmanager
async def connected(way: str, tls: Tls, **more: Any) -> AsyncIterator[tuple[FakeTwitch, IrcClient, Heard]]:
    """A server and a client that has joined, by this way."""
    heard, secure = Heard(), "tls" in way
    async with FakeTwitch(tls=tls.server if secure else None) as server:
        url = server.ws_url if way.startswith("ws") else server.url
        async with running(make_client(url, heard, world=RealWorld(), tls=tls.client, **more)) as client:
            await until(lambda: client.status.joined)
            yield server, client, heard


@pytest.mark.parametrize("way", WAYS)
def test_it_works_on_the_loop_that_processes_run_on(way: str, tls: Tls) -> None:
    """``bitbrat dev`` and ``run`` use uvloop, whose transports are not of asyncio's classes."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(exchange(way, tls))


@pytest.mark.parametrize("way", WAYS)
async def test_a_message_comes_in_and_an_answer_goes_out(way: str, tls: Tls) -> None:
    """In every script and with emoji."""
    await exchange(way, tls)


async def exchange(way: str, tls: Tls) -> None:
    """A message comes in, an answer goes out."""
    async with connected(way, tls) as (server, client, heard):
        await server.say("chan", "ann", "héllo 👉 мир")
        await until(lambda: heard.texts)
        result = await client.send("chan", "pong 👈")

        assert heard.texts == ["héllo 👉 мир"]
        assert (result.sent, result.acknowledged) == (True, True)
        assert [message.text for message in server.sent] == ["pong 👈"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_lost_connection_comes_back(way: str, tls: Tls) -> None:
    """And its channels are joined again."""
    async with connected(way, tls, timings=IrcTimings(backoff_base=0.05)) as (server, client, heard):
        await server.drop()
        await until(lambda: len(server.joins) == 2 and client.status.joined)
        await server.say("chan", "ann", "again")
        await until(lambda: heard.texts)

        assert heard.went_through == ["connecting", "online", "reconnecting", "online"]


@pytest.mark.parametrize("way", WAYS)
async def test_ten_thousand_lines_all_come_in_order(way: str, tls: Tls) -> None:
    """As fast as the socket takes them."""
    async with connected(way, tls) as (server, _client, heard):
        texts = [f"line {n}" for n in range(10_000)]
        for start in range(0, len(texts), 100):
            lines = (f":ann!ann@ann.tmi.twitch.tv PRIVMSG #chan :{text}" for text in texts[start : start + 100])
            await server.connections[0].send("\r\n".join([*lines, ""]).encode())
        await until(lambda: len(heard.lines) == len(texts))

        assert heard.texts == texts


async def test_a_line_in_a_hundred_segments_is_one_line_tcp(tls: Tls) -> None:
    """Cut inside tags, characters and line ends."""
    async with connected("tcp", tls) as (server, _client, heard):
        server.piece = 3
        text = "👉 " * 60 + "end"
        await server.say("chan", "ann", text)
        await until(lambda: heard.texts)

        assert heard.texts == [text]


async def test_a_websocket_message_of_several_lines_is_several_lines(tls: Tls) -> None:
    """The last one may have no line end: the message's end is the line's."""
    async with connected("ws", tls) as (server, _client, heard):
        lines = [f":ann!ann@ann.tmi.twitch.tv PRIVMSG #chan :{n}" for n in range(3)]
        await server.connections[0].send("\r\n".join(lines).encode())
        await until(lambda: len(heard.lines) == 3)

        assert heard.texts == ["0", "1", "2"]


async def test_a_certificate_that_nobody_vouches_for_is_refused(tls: Tls) -> None:
    """The password is not sent to whoever answers."""
    heard = Heard()
    async with FakeTwitch(tls=tls.server) as server, running(make_client(server.url, heard, world=RealWorld())) as client:
        await until(lambda: client.status.state == "reconnecting")

        assert "certificate" in client.status.cause
        assert server.passwords == []


async def test_what_was_said_before_a_reset_is_still_read() -> None:
    """A server refuses a login and resets the connection in the same moment: the reason must not get lost."""

    async def refuse(connection: Connection) -> None:
        await connection.send(b":tmi.twitch.tv NOTICE * :Login authentication failed\r\n")
        await connection.close()

    server = LineServer(refuse)
    await server.start()
    transport = await connect(server.url, wait=5)
    await transport.write(b"PASS x\r\n" * 100)
    await server.connections[0].closed.wait()
    await asyncio.sleep(0.05)  # the reset has arrived
    data = await transport.read()
    await transport.close()
    await server.stop()

    assert b"Login authentication failed" in data


async def test_a_write_to_a_closed_connection_has_not_happened() -> None:
    """And says so by its code."""

    async def serve(connection: Connection) -> None:
        await connection.readline()

    server = LineServer(serve)
    await server.start()
    for url in (server.url, server.ws_url):
        transport = await connect(url, wait=5)
        await transport.close()
        await transport.close()

        with pytest.raises(ConnectorError) as caught:
            await transport.write(b"hello\r\n")
        assert caught.value.code == "egress.not_sent"
    await server.stop()


async def test_a_server_that_is_not_there_is_named_without_what_stands_before_the_at() -> None:
    """A password in a URL has no business in a log."""
    with pytest.raises(ConnectorError) as caught:
        await connect("irc://user:hush@127.0.0.1:1", wait=5)

    assert caught.value.code == "irc.disconnected"
    assert "irc://127.0.0.1:1" in caught.value.message
    assert "hush" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1", "irc://", "127.0.0.1:6667", "irc:127.0.0.1", "irc://127.0.0.1:seven", "irc://[::1"]
)
def test_an_url_of_another_kind_is_refused_when_it_is_read(url: str) -> None:
    """Not when it is used."""
    with pytest.raises(ConfigError) as caught:
        IrcConfig(url=url)

    assert caught.value.code == "config.bad"


@pytest.mark.parametrize(
    "settings", [{"token": "a b", "nick": "bot"}, {"token": "x", "nick": ""}, {"channels": ["a b"]}, {"channels": [""]}]
)
def test_settings_that_would_break_a_line_are_refused(settings: dict[str, Any]) -> None:
    """A line end in a token would be a command of its own."""
    with pytest.raises(ConfigError):
        IrcConfig(url="irc://127.0.0.1", **settings)
