"""The connection to a NATS server: made when it is first needed, made again for ever."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any

import nats.errors
from nats.aio.client import Client, Server

from bitbrat.config.nats import NatsSettings
from bitbrat.config.urls import Location
from bitbrat.errors import BusError, BusUnavailable, ConfigError
from bitbrat.world import World

FLOOR = (2, 9, 10)
"""The oldest server that the contract suite runs over."""

PORT = 4222
PING_EVERY, PINGS_LOST = 10, 2
"""A half-open connection is noticed after about this many seconds, times one more than this."""

HEADERS_AND_MORE = 16 * 1024
"""What a message may need besides its bytes, of what the server takes at most."""


class _Client(Client):
    """The client, refusing to name itself to a server that does not encrypt where that was asked for."""

    tls_wanted = False

    def _connect_command(self) -> bytes:
        # The library encrypts only if the server says so; whoever sits in between could say that it does not.
        if self.tls_wanted and not self._server_info.get("tls_required"):
            raise nats.errors.Error("nats: the server offers no TLS, and TLS is asked for")
        return super()._connect_command()


class Link:
    """One connection. ``on_lost`` and ``on_back`` are called when it breaks and when it is there again."""

    def __init__(self, place: Location, settings: NatsSettings, world: World, *, needed: int) -> None:
        self.on_lost: Callable[[], None] = _nothing
        self.on_back: Callable[[], None] = _nothing
        self.up = asyncio.Event()
        self.closed = False
        self.last_error = ""
        self.client: Client | None = None
        self._place = place
        self._settings = settings
        self._world = world
        self._needed = needed
        self._opening = asyncio.Lock()
        self._attempts = 0

    @property
    def max_payload(self) -> int:
        """What the server takes at most, in bytes, headers included."""
        return self.client.max_payload if self.client is not None else 1024 * 1024

    async def open(self) -> Client:
        """The client, connected if that is possible now. Raises ``bus.unavailable``, ``bus.closed``, ``config.breaks_promise``."""
        client = self.client
        if client is not None and not client.is_closed:
            return client
        async with self._opening:
            if self.closed:
                raise BusError("bus.closed", "the bus is closed")
            if self.client is None or self.client.is_closed:
                self.client = await self._connect()
        return self.client

    async def wait(self, seconds: float) -> Client:
        """The client once it is connected. Raises ``bus.unavailable`` after ``seconds``."""
        client = await self.open()
        if not self.up.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self.up.wait()
            except TimeoutError:
                raise self.unavailable() from None
        return self.client or client

    def unavailable(self) -> BusUnavailable:
        """The error for a server that does not answer."""
        return BusUnavailable(
            "bus.unavailable",
            f"the NATS server does not answer{f' ({self.last_error})' if self.last_error else ''}",
            why=self.last_error,
            fix="look whether it runs, and whether BITBRAT_BUS and BITBRAT_NATS__… say where it is and who we are",
        )

    async def close(self) -> None:
        """Send what is still to be sent, and let go. Idempotent."""
        self.closed = True
        self.up.clear()
        client, self.client = self.client, None
        if client is not None:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                if client.is_connected:
                    await client.flush(timeout=2)
            await client.close()

    async def _connect(self) -> Client:
        client = _Client()
        client.tls_wanted = self._settings.tls or self._place.scheme == "tls"
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                await client.connect(
                    f"{'tls' if client.tls_wanted else 'nats'}://{_host(self._place.host)}:{self._place.port or PORT}",
                    name="bitbrat",
                    error_cb=self._failed,
                    disconnected_cb=self._lost,
                    reconnected_cb=self._back,
                    closed_cb=self._gone,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    connect_timeout=5,
                    ping_interval=PING_EVERY,
                    max_outstanding_pings=PINGS_LOST,
                    reconnect_to_server_handler=self._next_server,
                    tls=_context(self._settings) if client.tls_wanted or self._settings.tls_ca else None,
                    **_identity(self._place, self._settings),
                )
        except (TimeoutError, OSError, nats.errors.Error) as error:
            reason = self.last_error or _said(error)  # closing may bring others
            with contextlib.suppress(nats.errors.Error, OSError):
                await client.close()
            self.last_error = reason
            raise self.unavailable() from None
        try:
            self._check(client)
        except ConfigError:
            await client.close()
            raise
        self.up.set()
        return client

    def _check(self, client: Client) -> None:
        version = client.connected_server_version
        if (version.major, version.minor, version.patch) < FLOOR:
            raise ConfigError(
                "config.breaks_promise",
                f"the NATS server is version {version.major}.{version.minor}.{version.patch}; the oldest that works is 2.9.10",
                why="older servers ignore options that the promise needs",
                fix="install nats-server 2.9.10 or newer",
            )
        if client.max_payload < self._needed + HEADERS_AND_MORE:
            raise ConfigError(
                "config.breaks_promise",
                f"the NATS server takes {client.max_payload} bytes at most (max_payload), an envelope may have {self._needed}",
                why="what is accepted at the door must go through every hop",
                fix="set max_payload: 1MB in the server's configuration",
            )

    def _next_server(self, servers: list[Server], _info: dict[str, Any]) -> tuple[Server, float]:
        # The library's own wait is the same for every client: after an outage all would come back in one moment.
        self._attempts += 1
        longest = min(0.1 * 2 ** min(self._attempts, 6), 4.0)
        return servers[self._attempts % len(servers)], longest * (0.5 + self._world.random() / 2)

    async def _failed(self, error: Exception) -> None:
        self.last_error = _said(error)

    async def _lost(self) -> None:
        self.up.clear()
        self.on_lost()

    async def _back(self) -> None:
        self._attempts = 0
        self.last_error = ""
        self.up.set()
        self.on_back()

    async def _gone(self) -> None:
        self.up.clear()
        self.on_lost()


def _nothing() -> None:
    """Nobody wants to know."""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _host(host: str) -> str:
    return host or "127.0.0.1"


def _identity(place: Location, settings: NatsSettings) -> dict[str, Any]:
    """How we say who we are; what is in the URL counts first. A user without a password is a token, as NATS has it."""
    if settings.credentials:
        return {"user_credentials": settings.credentials}
    if seed := settings.nkey.get_secret_value():
        return {"nkeys_seed_str": seed}
    if place.user and not place.password and not settings.password.get_secret_value():
        return {"token": place.user}
    if user := place.user or settings.user:
        return {"user": user, "password": place.password or settings.password.get_secret_value()}
    token = settings.token.get_secret_value()
    return {"token": token} if token else {}


def _context(settings: NatsSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca or None)
        if settings.tls_cert:
            context.load_cert_chain(settings.tls_cert, settings.tls_key or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("config.bad", f"the TLS files of the NATS bus cannot be used: {_said(error)}") from None
    return context
