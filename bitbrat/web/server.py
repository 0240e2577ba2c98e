"""Listening: the application on a socket, and how it stops."""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import dataclass

from aiohttp import web

from bitbrat.errors import ConfigError
from bitbrat.web.connection import Connection
from bitbrat.web.shell import SHELL


@dataclass
class HttpServer:
    """A listening application. ``port`` is the real one, also where 0 was asked for."""

    host: str
    port: int
    _runner: web.AppRunner
    _listener: asyncio.Server

    async def close(self) -> None:
        """Stop listening, let requests in work finish for a short time, end every connection. Idempotent."""
        self._listener.close()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def claim(host: str, port: int) -> socket.socket:
    """The address, taken: whoever connects waits until it is served. Raises ``net.port_in_use`` or ``config.bad``."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError("config.bad", f"{host} is not an address to listen on ({error.strerror})") from error
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.setblocking(False)
        taken.bind(address)
        taken.listen(128)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError("net.port_in_use", f"port {port} is already in use") from error
        raise ConfigError("config.bad", f"cannot listen on {host}, port {port} ({error.strerror})") from error
    return taken


async def serve(
    app: web.Application,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    sock: socket.socket | None = None,
    shutdown_seconds: float = 2.0,
) -> HttpServer:
    """Listen on ``host`` and ``port`` (0: any free one), or on ``sock`` from :func:`claim`.

    ``shutdown_seconds`` is what requests in work get when it is closed. Raises ``net.port_in_use`` and ``config.bad``.
    """
    listening = sock or claim(host, port)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=shutdown_seconds)
    await runner.setup()
    server, loop, shell = runner.server, asyncio.get_running_loop(), app[SHELL]
    assert server is not None  # noqa: S101 - setup made it
    try:
        listener = await loop.create_server(lambda: Connection(server, shell, loop=loop), sock=listening)
    except BaseException:
        listening.close()
        await runner.cleanup()
        raise
    name = listening.getsockname()
    return HttpServer(str(name[0]), int(name[1]), runner, listener)
