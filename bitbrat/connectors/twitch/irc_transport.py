"""The wire under an IRC connection: TCP, TLS or WebSocket, chosen by the URL's scheme.

Foreign exceptions end here: whatever the network does comes out as a ConnectorError or as the end of the data.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol, cast
from urllib.parse import urlsplit

import aiohttp

from bitbrat.errors import ConnectorError

_TLS = ("ircs", "tls")
_READ_AHEAD = 256 * 1024
_CLOSE_WAIT = 2.0


class Transport(Protocol):
    """A connection that carries bytes both ways."""

    async def read(self) -> bytes:
        """What has come since the last call, at least one byte; ``b""`` when the other side is gone, for whatever reason."""
        ...

    async def write(self, data: bytes) -> None:
        """Hand ``data`` to the system and wait until it has room for more.

        Raises ConnectorError: ``egress.not_sent`` when not a byte was handed over, ``egress.unknown_outcome`` when some may have been.
        """
        ...

    async def close(self) -> None:
        """Close, within two seconds whatever the other side does. Closing twice is harmless."""
        ...


async def connect(url: str, *, wait: float, tls: ssl.SSLContext | None = None) -> Transport:
    """A connection to ``url`` within ``wait`` seconds; ``tls`` replaces the system's certificates. Raises ``irc.disconnected``."""
    try:
        async with asyncio.timeout(wait):
            return await (_websocket if url.startswith(("ws://", "wss://")) else _stream)(url, tls)
    except TimeoutError as exc:
        raise ConnectorError("irc.disconnected", f"{_where(url)} did not answer within {wait:g} s") from exc
    except (OSError, aiohttp.ClientError) as exc:  # ssl.SSLError is an OSError
        raise ConnectorError("irc.disconnected", f"{_where(url)} cannot be reached: {exc}") from exc


def _where(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"  # never the user info


async def _stream(url: str, tls: ssl.SSLContext | None) -> Transport:
    parts = urlsplit(url)
    secure = parts.scheme in _TLS
    port = parts.port or (6697 if secure else 6667)
    context = (tls or ssl.create_default_context()) if secure else None
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(
        _Wire, parts.hostname or "", port, ssl=context, ssl_shutdown_timeout=_CLOSE_WAIT / 2 if secure else None
    )
    return wire


class _Wire(asyncio.Protocol):
    """TCP and TLS. Not asyncio's StreamReader: that one throws away what was read when a reset follows it, and the reset after a
    refused login follows at once."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = asyncio.Event()
        self._ended = False
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are what asyncio promises, and are not of its class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._readable.set()
        if len(self._data) > _READ_AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (how it was lost makes no difference to us)
        self._end()
        self._writable.set()
        self._lost.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _end(self) -> None:
        self._ended = True
        self._readable.set()

    async def read(self) -> bytes:
        while not self._data and not self._ended:
            self._readable.clear()
            await self._readable.wait()
        data = bytes(self._data)
        self._data.clear()
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        if self._ended or self._transport.is_closing():
            raise ConnectorError("egress.not_sent", "the connection is closed")
        self._transport.write(data)
        await self._writable.wait()
        if self._lost.is_set():
            raise ConnectorError("egress.unknown_outcome", "the connection broke while the line was being written")

    async def close(self) -> None:
        self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_WAIT):
                await self._lost.wait()
        except TimeoutError:  # the other side takes nothing any more
            self._transport.abort()


async def _websocket(url: str, tls: ssl.SSLContext | None) -> Transport:
    session = aiohttp.ClientSession()
    try:
        ws = await session.ws_connect(
            url, ssl=tls or True, timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_WAIT / 2), max_msg_size=4 * _READ_AHEAD
        )
    except BaseException:
        await session.close()
        raise
    return _WebSocket(session, ws)


class _WebSocket:
    """One text message may hold several lines, and its last line may have no end: the message's end is the line's."""

    def __init__(self, session: aiohttp.ClientSession, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._ws = ws

    async def read(self) -> bytes:
        message = await self._ws.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode("utf-8", "replace") + b"\n"
        return bytes(message.data) + b"\n" if message.type is aiohttp.WSMsgType.BINARY else b""

    async def write(self, data: bytes) -> None:
        if self._ws.closed:
            raise ConnectorError("egress.not_sent", "the connection is closed")
        try:
            await self._ws.send_str(data.decode("utf-8"))
        except (OSError, aiohttp.ClientError) as exc:
            raise ConnectorError("egress.unknown_outcome", "the connection broke while the line was being written") from exc

    async def close(self) -> None:
        try:
            await self._ws.close()
        finally:
            await self._session.close()
