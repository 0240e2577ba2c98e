"""Services become a process: settings, ports, telemetry, HTTP, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bitbrat.config import CoreSettings, ServiceSettings, SettingsError, load
from bitbrat.errors import BitBratError
from bitbrat.host.http import Front
from bitbrat.host.modules import settings_elsewhere
from bitbrat.runtime import Options, Runtime, build, open_bus, open_store
from bitbrat.secrets import Secrets
from bitbrat.service import Service
from bitbrat.telemetry.logging import Logs
from bitbrat.telemetry.metrics import Metrics
from bitbrat.telemetry.observer import Telemetry
from bitbrat.web import Endpoint
from bitbrat.world import RealWorld, World

MEASURE_EVERY = 5.0
"""Seconds between two looks at the store's sizes."""
PURGE_EVERY = 3600.0
RETENTION = timedelta(days=8)
"""How long decided hops are remembered: longer than the seven days for which a bus may keep a message."""
LAST_SECOND = 1.0
"""Of the time that a process has to stop, what is kept for letting go of bus, store and sockets."""


@dataclass
class Host:
    """One process. Build it with :meth:`of`, which raises ``ConfigError`` with everything that is wrong at once."""

    core: CoreSettings
    runtime: Runtime
    metrics: Metrics
    logs: Logs
    front: Front
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _gauges: asyncio.Task[None] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        services: Sequence[Service],
        environ: Mapping[str, str],
        *,
        world: World | None = None,
        required: Sequence[str] = ("BITBRAT_BUS", "BITBRAT_STORE"),
    ) -> Host:
        """A process of ``services``, with settings from ``environ``, of which those in ``required`` must be there."""
        world = world or RealWorld()
        core, settings = read_settings(services, environ, required=required)
        secrets = Secrets.of([core, *settings.values()])
        logs = Logs(log_format=core.log_format, level=core.log_level, redact=secrets.redact_field, now=world.now)
        metrics = Metrics()
        runtime = build(
            services,
            bus=open_bus(core.bus or "memory://", world, nats=core.nats, prefix=core.topic_prefix),
            store=open_store(core.store or "memory://", world),
            world=world,
            settings=settings,
            observer=Telemetry(metrics, logs),
            options=Options(drain=max(core.drain_seconds - LAST_SECOND, 0.0)),
            logs={service.name: logs.logger(service.name) for service in services},
        )
        return cls(core, runtime, metrics, logs, Front(core, runtime, metrics, logs, secrets))

    async def start(self, endpoints: Iterable[Endpoint] = ()) -> None:
        """Take the port, start, answer. ``endpoints`` are served besides the services' routes."""
        self.front.claim_port()
        await self.runtime.start()
        await self.front.serve(endpoints)
        self._gauges = asyncio.get_running_loop().create_task(self._measure(), name="gauges")

    async def stop(self) -> None:
        """Stop listening, drain, let go. Idempotent."""
        if self._gauges is not None:
            self._gauges.cancel()
            self._gauges = None
        await self.front.close()
        await self.runtime.stop()

    async def _measure(self) -> None:
        """Keep the gauges of what waits in the outbox, and forget hops that no bus can bring back any more."""
        loop, purge_at = asyncio.get_running_loop(), 0.0
        while True:
            with contextlib.suppress(BitBratError):
                self.metrics.outbox((await self.runtime.store.counts())["outbox"])
                if loop.time() >= purge_at:
                    await self.runtime.store.purge(older_than=RETENTION)
                    purge_at = loop.time() + PURGE_EVERY
            await asyncio.sleep(MEASURE_EVERY)


def read_settings(
    services: Sequence[Service], environ: Mapping[str, str], *, required: Sequence[str] = ()
) -> tuple[CoreSettings, dict[str, Any]]:
    """The core settings and those of each service by its name. Raises ``ConfigError`` with every problem at once."""
    classes: list[type[ServiceSettings]] = [CoreSettings]
    owners = [service for service in services if service.settings is not None]
    classes += [service.settings for service in owners if service.settings is not None]
    try:
        core, *rest = load(classes, environ, required=required)
    except SettingsError as error:
        if all(problem.code != "config.unknown" for problem in error.problems):
            raise
        # A name that is unknown here may be another process's; only then are the other services worth importing.
        core, *rest = load(classes, environ, required=required, others=settings_elsewhere())
    assert isinstance(core, CoreSettings)  # noqa: S101 - the first class that was asked for
    return core, {service.name: settings for service, settings in zip(owners, rest, strict=True)}
