"""A server of lines on 127.0.0.1, over TCP, TLS and WebSocket at once. It knows no protocol."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import WSMsgType, web

Put = Callable[[bytes], Awaitable[None]]


class Connection:
    """One client. ``number`` counts the connections from 0; ``lines`` are the client's lines so far, without line ends."""

    def __init__(self, number: int, put: Put, drop: Callable[[], Awaitable[None]]) -> None:
        self.number = number
        self.lines: list[str] = []
        self.open = True
        self.closed = asyncio.Event()
        self._put = put
        self._drop = drop
        self._unread: asyncio.Queue[str | None] = asyncio.Queue()

    async def send(self, data: bytes) -> None:
        """Write bytes as they are: a TCP segment, or one WebSocket message. Nothing happens once the client is gone."""
        if self.open:
            with contextlib.suppress(OSError):
                await self._put(data)

    async def readline(self) -> str | None:
        """The client's next line, None when it is gone."""
        return await self._unread.get()

    async def close(self) -> None:
        """Close from this side."""
        self.ended()
        await self._drop()

    def heard(self, text: str) -> None:
        """Lines that came from the client, one or several."""
        for line in text.splitlines():
            self.lines.append(line)
            self._unread.put_nowait(line)

    def ended(self) -> None:
        """The client is gone, or we have closed."""
        self.open = False
        self.closed.set()
        self._unread.put_nowait(None)


class LineServer:
    """Runs ``serve`` for each connection, whichever way it came. With ``tls`` both ports speak it."""

    def __init__(self, serve: Callable[[Connection], Awaitable[None]], *, tls: ssl.SSLContext | None = None) -> None:
        self._serve = serve
        self._tls = tls
        self.connections: list[Connection] = []
        self.url = self.ws_url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on two free ports: ``url`` for streams, ``ws_url`` for WebSockets."""
        self._server = await asyncio.start_server(self._stream, "127.0.0.1", 0, ssl=self._tls)
        self.url = f"{'ircs' if self._tls else 'irc'}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        app = web.Application()
        app.router.add_get("/", self._websocket)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.ws_url = f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        """Close every connection and both ports."""
        self._server.close()
        for connection in self.connections:
            await connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        await self._server.wait_closed()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def put(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        async def drop() -> None:
            writer.close()

        connection = self._begin(put, drop)
        with contextlib.suppress(OSError, ValueError):
            while raw := await reader.readline():
                connection.heard(raw.decode("utf-8", "replace"))
        connection.ended()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)

        async def put(data: bytes) -> None:
            await ws.send_str(data.decode("utf-8"))

        async def drop() -> None:
            await ws.close()

        connection = self._begin(put, drop)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                connection.heard(cast(str, message.data))
        connection.ended()
        return ws

    def _begin(self, put: Put, drop: Callable[[], Awaitable[None]]) -> Connection:
        connection = Connection(len(self.connections), put, drop)
        self.connections.append(connection)
        task = asyncio.ensure_future(self._run(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return connection

    async def _run(self, connection: Connection) -> None:
        await self._serve(connection)
