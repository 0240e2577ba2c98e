"""Answers without another process: the data are opened here, for the moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import click

from bitbrat.api.local import PlatformOperator, Rules, StoreOperator, rules_of
from bitbrat.api.operator import Operator
from bitbrat.cli.place import Here
from bitbrat.config import parse_bus_url, parse_store_url
from bitbrat.errors import BitBratError, ConfigError
from bitbrat.host.host import read_settings
from bitbrat.runtime import Runtime, build, open_bus, open_store
from bitbrat.world import RealWorld

BY = "command line"


@asynccontextmanager
async def local(environ: Mapping[str, str], *, platform: bool) -> AsyncIterator[Operator]:
    """An operator of this process: of the platform, run for the moment, or of the store alone."""
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
    here = Here.load()
    for file, why in here.failures.items():
        click.secho(f"{file} could not be loaded: {why}", fg="red", err=True)
    runtime = quiet_runtime(here, environ)
    try:
        await runtime.start()
        yield PlatformOperator(runtime, by=BY)
    finally:
        await runtime.stop()


def quiet_runtime(here: Here, environ: Mapping[str, str]) -> Runtime:
    """The platform of ``here`` without connections to the outside, not started. Raises ``ConfigError``, ``bus.in_use``."""
    inside = {name: value for name, value in here.with_default_slip(environ).items() if not name.startswith("BITBRAT_TWITCH__")}
    core, settings = read_settings(here.services, inside)
    if core.bus is None or core.store is None:
        raise ConfigError("config.missing", "BITBRAT_BUS and BITBRAT_STORE are needed")
    world = RealWorld()
    bus = open_bus(core.bus, world, nats=core.nats, prefix=core.topic_prefix)
    return build(here.services, bus=bus, store=open_store(core.store, world), world=world, settings=settings)


def rules_here(environ: Mapping[str, str]) -> Rules:
    """The rules of this folder, loaded now. Without a bus or a store: nothing is run."""
    in_memory = {**environ, "BITBRAT_BUS": "memory://", "BITBRAT_STORE": "memory://"}
    runtime = quiet_runtime(Here.load(), in_memory)
    router = next(service for service in runtime.services if service.name == "router")
    context = runtime.context_of(router)
    context.state.load(context.settings, registry=runtime.registry, log=context.log)
    found = rules_of(runtime)
    assert found is not None, "the router holds rules"  # noqa: S101 - it is among the core services
    return found


def of_files(environ: Mapping[str, str]) -> Operator:
    """An operator that knows the rules of this folder and nothing else."""
    book, world = rules_here(environ), RealWorld()
    return StoreOperator(open_store("memory://", world), world, rules=lambda: book)
