"""``bitbrat run``: the production entry point, one or many services in a process."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bitbrat.cli.output import GONE, told

if TYPE_CHECKING:
    from bitbrat.host import Host

GONE_CODES = ("bus.unavailable", "bus.closed", "bus.in_use", "store.unavailable", "store.closed", "store.in_use")


@click.command()
@click.argument("services", nargs=-1, required=True, metavar="SERVICE...")
def run(services: tuple[str, ...]) -> int:
    """Run SERVICE… (services.auth, my_steps:service) until SIGTERM. Needs BITBRAT_BUS and BITBRAT_STORE.

    Exits 78 when the configuration is refused, 69 when bus or store cannot be had.
    """
    from bitbrat.cli.process import held, run_loop
    from bitbrat.errors import BitBratError, ConfigError

    try:
        return run_loop(_run(services))
    except BitBratError as error:
        if error.code == "net.port_in_use":
            port = int(os.environ.get("BITBRAT_HTTP_PORT", "2728"))
            raise ConfigError(error.code, error.message, why=held(port), fix="stop it, or set BITBRAT_HTTP_PORT") from error
        if error.code not in GONE_CODES:
            raise
        told(error)
        return GONE


async def _run(names: Sequence[str]) -> int:
    from bitbrat.cli.process import serve
    from bitbrat.host import Host

    host = Host.of(load(names), os.environ)

    async def ready() -> None:
        _say(host)

    return await serve(host, ready=ready, api=_answers(host))


def load(names: Sequence[str]) -> list[Any]:
    """The services by their names. Raises ``config.bad`` for whatever is wrong with one."""
    from bitbrat.errors import BitBratError, ConfigError
    from bitbrat.host.modules import load_services

    try:
        return load_services(names)
    except BitBratError:
        raise
    except Exception as error:
        raise ConfigError(
            "config.bad", f"a service cannot be imported: {type(error).__name__}: {error}", fix="correct the module"
        ) from error


def _answers(host: Host) -> bool:
    """Whether this process answers operators: the one that writes the final records, if it can keep its token."""
    from bitbrat.api.owner import make_token

    if all(service.name != "finalizer" for service in host.runtime.services):
        return False
    try:
        make_token()
    except OSError as error:
        host.logs.logger("bitbrat").warning("no API: .bitbrat/token cannot be written", reason=str(error.strerror))
        return False
    return True


def _say(host: Host) -> None:
    """What runs, on what, and what is promised: on stderr, once it is ready."""
    from bitbrat.cli.banner import promise

    runtime = host.runtime
    log = host.logs.logger("bitbrat")
    log.info("topics", topics=sorted(topic.name for topic in runtime.registry), steps=sorted(runtime.registry.steps()))
    log.info("bus", **vars(runtime.bus.capabilities))
    said = promise(runtime.bus.capabilities, runtime.store.capabilities)
    durable = runtime.bus.capabilities.durable and runtime.store.capabilities.durable
    (log.info if durable else log.warning)(f"promise: {said}")
    log.info("ready", url=host.front.url, services=[service.name for service in runtime.services], pid=os.getpid())
    sys.stderr.flush()
