"""One process at a time: a stream that takes one message, and forgets it after a while."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from bitbrat.adapters.nats_api import STORE_FAILED, Api, Refused
from bitbrat.adapters.nats_names import Names
from bitbrat.adapters.nats_shapes import nanos
from bitbrat.errors import BusError, BusUnavailable
from bitbrat.world import World

HELD_AT_MOST = 10.0
"""Seconds after which the lock of a process that died is free again."""


@contextlib.asynccontextmanager
async def held(api: Api, names: Names, world: World) -> AsyncIterator[None]:
    """Wait for the lock, and let go of it at the end. Raises ``bus.unavailable`` when it is not to be had."""
    await api.ask(
        f"STREAM.CREATE.{names.lock}",
        {
            "name": names.lock,
            "subjects": [names.lock],
            "storage": "memory",
            "retention": "limits",
            "discard": "new",
            "max_msgs": 1,
            "max_age": nanos(HELD_AT_MOST),
            "duplicate_window": nanos(HELD_AT_MOST),
            "num_replicas": 1,
        },
    )
    until = world.monotonic() + 3 * HELD_AT_MOST
    while not await _taken(api, names):
        if world.monotonic() > until:
            raise BusUnavailable("bus.unavailable", "other processes keep changing the streams of the NATS server")
        await asyncio.sleep(0.01 + 0.05 * world.random())
    try:
        yield
    finally:
        with contextlib.suppress(BusError):
            await api.ask(f"STREAM.PURGE.{names.lock}")


async def _taken(api: Api, names: Names) -> bool:
    try:
        await api.send(names.lock, b"")
    except Refused as error:
        if error.number == STORE_FAILED:
            return False
        raise
    return True
