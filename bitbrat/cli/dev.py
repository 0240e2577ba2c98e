"""``bitbrat dev``: the whole platform and the steps of this folder, in one process, kept between runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import click


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Listen there instead of 2728; 0 takes any free port.")
@click.option("--host", help="Listen on this address instead of 127.0.0.1.")
@click.option("--ephemeral", is_flag=True, help="Keep everything in memory: nothing survives a restart.")
def dev(port: int | None, host: str | None, ephemeral: bool) -> int:
    """Run the platform and the steps of ./steps in this process. Messages are kept in .bitbrat/ between runs.

    Ends with Ctrl-C (130) or SIGTERM (0); with 1 when a step file could not be loaded.
    """
    from bitbrat.world import RealWorld

    begun = RealWorld().monotonic()
    from bitbrat.cli.connect import environment
    from bitbrat.cli.place import Here
    from bitbrat.cli.process import explained, run_loop
    from bitbrat.errors import BitBratError

    environ = environment(ephemeral=ephemeral)
    environ.setdefault("BITBRAT_LOG_LEVEL", "warning")
    environ |= {"BITBRAT_HTTP_PORT": str(port)} if port is not None else {}
    environ |= {"BITBRAT_HTTP_HOST": host} if host is not None else {}
    here = Here.load()
    try:
        code = run_loop(_run(here, here.with_default_slip(environ), begun))
    except BitBratError as error:
        raise explained(error, environ.get("BITBRAT_HTTP_PORT", "2728")) from error
    return 1 if here.failures else code


async def _run(here: Any, environ: Mapping[str, str], begun: float) -> int:
    from bitbrat.cli.banner import banner, readiness
    from bitbrat.cli.process import serve
    from bitbrat.host import Host

    host = Host.of(here.services, environ)
    following: list[asyncio.Task[None]] = []

    async def ready() -> None:
        for line in banner(host, here):
            click.echo(line)
        click.echo(readiness(host.runtime.world.monotonic() - begun))
        following.append(asyncio.get_running_loop().create_task(_follow(host)))

    try:
        return await serve(host, ready=ready)
    finally:
        for task in following:
            task.cancel()


async def _follow(host: Any) -> None:
    """A line for each message that ends."""
    from bitbrat.api.local import PlatformOperator
    from bitbrat.cli.show import finished
    from bitbrat.cli.tail import following

    async for row in following(PlatformOperator(host.runtime)):
        click.echo(finished(row))
