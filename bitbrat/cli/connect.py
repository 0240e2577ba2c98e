"""Finds who can answer: the process that owns the data, or this one, which then opens it for the moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bitbrat.api.local import PlatformOperator, Rules, StoreOperator, rules_of
from bitbrat.api.operator import Operator
from bitbrat.api.owner import Owner, place_of, read_owner, read_token
from bitbrat.cli.place import Here, environment
from bitbrat.config import parse_bus_url, parse_store_url
from bitbrat.errors import BitBratError, ConfigError
from bitbrat.host.host import read_settings
from bitbrat.runtime import Runtime, build, open_bus, open_store
from bitbrat.world import RealWorld

T = TypeVar("T")
BY = "command line"


def ask(question: Callable[[Operator], Awaitable[T]], *, platform: bool = False) -> T:
    """The answer to ``question``, from whoever can give it. ``platform``: it needs a running platform, not only the store."""

    async def answered() -> T:
        async with operator(platform=platform) as found:
            return await question(found)

    return asyncio.run(answered())


@asynccontextmanager
async def operator(*, platform: bool = False) -> AsyncIterator[Operator]:
    """The operator of the owner's process where there is one, else one of our own. Raises ``cli.cannot_connect``."""
    environ = environment()
    found = await remote(environ)
    if found is not None:
        try:
            yield found
        finally:
            await found.close()
        return
    async with _local(environ, platform) as own:
        yield own


def owner_of(environ: Mapping[str, str]) -> Owner | None:
    """The process that owns the data named in ``environ``, if it says so and is alive."""
    owner = read_owner()
    if owner is None or owner.store == place_of(environ["BITBRAT_STORE"]):
        return owner
    # Another store than the owner's is asked for only by somebody who has set it.
    return None if "BITBRAT_STORE" in os.environ else owner


async def remote(environ: Mapping[str, str]) -> Operator | None:
    """The operator of the process that owns the data; None when there is none, or it does not answer."""
    owner = owner_of(environ)
    if owner is None:
        return None
    from bitbrat.api.client import HttpOperator

    found = HttpOperator(owner.url, read_token())
    try:
        await found.status()
    except BitBratError as error:
        await found.close()
        if error.code != "cli.cannot_connect":
            raise
        return None
    return found


@asynccontextmanager
async def _local(environ: Mapping[str, str], platform: bool) -> AsyncIterator[Operator]:
    parse_bus_url(environ["BITBRAT_BUS"])
    parse_store_url(environ["BITBRAT_STORE"])
    try:
        opened = _platform(environ) if platform else _reader(environ)
        async with opened as own:
            yield own
    except BitBratError as error:
        if error.code not in ("bus.in_use", "store.in_use"):
            raise
        fix = "stop it, or run this in the folder in which it was started"
        raise BitBratError("cli.cannot_connect", f"{error.message}, and its API does not answer", why=error.why, fix=fix) from error


@asynccontextmanager
async def _reader(environ: Mapping[str, str]) -> AsyncIterator[Operator]:
    """The store alone, opened for a question. A file that is not there is not made."""
    _check_there(environ["BITBRAT_STORE"])
    world = RealWorld()
    store = open_store(environ["BITBRAT_STORE"], world)
    try:
        await store.open()
        yield StoreOperator(store, world, by=BY)
    finally:
        await store.close()


def _check_there(url: str) -> None:
    place = parse_store_url(url)
    if place.scheme == "memory" or (place.scheme == "sqlite" and not Path(place.path).exists()):
        where = "memory" if place.scheme == "memory" else place.path
        what = f"there is nothing in {where}, and no process that owns it"
        raise BitBratError("cli.no_data", what, fix='bitbrat dev, or: bitbrat say "!ping"')


@asynccontextmanager
async def _platform(environ: Mapping[str, str]) -> AsyncIterator[Operator]:
    """The whole platform in this process, for as long as the question takes. It stays away from Twitch."""
    runtime = quiet_runtime(environ)
    try:
        await runtime.start()
        yield PlatformOperator(runtime, by=BY)
    finally:
        await runtime.stop()


def quiet_runtime(environ: Mapping[str, str]) -> Runtime:
    """The platform of this folder without connections to the outside, not started. Raises ``ConfigError``, ``bus.in_use``."""
    here = Here.load()
    inside = {name: value for name, value in here.with_default_slip(environ).items() if not name.startswith("BITBRAT_TWITCH__")}
    core, settings = read_settings(here.services, inside)
    if core.bus is None or core.store is None:
        raise ConfigError("config.missing", "BITBRAT_BUS and BITBRAT_STORE are needed")
    world = RealWorld()
    return build(here.services, bus=open_bus(core.bus, world), store=open_store(core.store, world), world=world, settings=settings)


def rules_here(environ: Mapping[str, str]) -> Rules:
    """The rules of this folder, loaded now. Without a bus or a store: nothing is run."""
    in_memory = {**environ, "BITBRAT_BUS": "memory://", "BITBRAT_STORE": "memory://"}
    runtime = quiet_runtime(in_memory)
    router = next(service for service in runtime.services if service.name == "router")
    context = runtime.context_of(router)
    context.state.load(context.settings, registry=runtime.registry, log=context.log)
    found = rules_of(runtime)
    assert found is not None, "the router holds rules"  # noqa: S101 - it is among the core services
    return found
