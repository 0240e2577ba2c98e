"""The NATS bus under the contract suite: a corner of a real server for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from bitbrat.adapters.nats_bus import NatsBus
from bitbrat.config import parse_bus_url
from bitbrat.config.nats import NatsSettings
from bitbrat.world import RealWorld, World
from tests import nats_server

SMALL = NatsSettings(ingress_bytes=4 * 1024**2)
"""The server sets aside what the door may hold, and one server has many doors here."""


def nats_bus(
    place: str,
    world: World | None = None,
    *,
    lease: float = 30.0,
    dedupe_window: float = 120.0,
    ingress_capacity: int = -1,
    settings: NatsSettings | None = None,
) -> NatsBus:
    """A bus at a place: a URL and a prefix."""
    url, _, prefix = place.partition(" ")
    return NatsBus(
        parse_bus_url(url),
        world or RealWorld(),
        settings or SMALL,
        prefix=prefix,
        lease=lease,
        dedupe_window=dedupe_window,
        ingress_messages=ingress_capacity,
    )


def a_corner(component: str) -> Callable[[Path], AbstractAsyncContextManager[str]]:
    """A place on the server that the tests of this process share, kept apart by its prefix."""

    @asynccontextmanager
    async def place(_path: Path) -> AsyncIterator[str]:
        yield f"{(await nats_server.shared(component)).url} {nats_server.new_prefix()}"

    return place
