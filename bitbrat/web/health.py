"""Alive, ready, measured: what a load balancer and a monitoring server ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from bitbrat.errors import BitBratError
from bitbrat.telemetry.metrics import CONTENT_TYPE
from bitbrat.web.problems import HttpError
from bitbrat.web.shell import SHELL

PATIENCE = 3.0
"""Seconds that the question of readiness may take; no answer is a no."""


@dataclass(frozen=True)
class Health:
    """Whether the process can do its work. When not: the code and the cause in words. ``details`` are shown either way."""

    ready: bool
    code: str = "http.not_ready"
    cause: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


HealthCheck = Callable[[], Awaitable[Health]]


async def alive(_: web.Request) -> web.Response:
    """200 as long as the event loop turns, whatever else is down: a restart would not mend a broker."""
    return web.json_response({"status": "alive"})


def readiness(check: HealthCheck) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that answers 200 only when ``check`` says so, else 503 with the cause."""

    async def ready(_: web.Request) -> web.Response:
        health = await ask(check)
        if not health.ready:
            raise HttpError(
                health.code,
                health.cause or "this process is not ready",
                status=503,
                errors=[{"pointer": "", "message": f"{name}: {state}", "fix": ""} for name, state in health.details.items()],
            )
        return web.json_response({"status": "ready", "details": dict(health.details)})

    return ready


async def ask(check: HealthCheck, *, patience: float = PATIENCE) -> Health:
    """What ``check`` says; a check that fails or takes longer than ``patience`` seconds says no."""
    try:
        async with asyncio.timeout(patience):
            return await check()
    except TimeoutError:
        return Health(False, cause=f"no answer within {patience:g} s")
    except BitBratError as error:
        return Health(False, error.code, error.message)


async def measured(request: web.Request) -> web.Response:
    """The counters in Prometheus' text format."""
    return web.Response(body=request.app[SHELL].metrics.render(), headers={"Content-Type": CONTENT_TYPE})
