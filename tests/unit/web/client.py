"""A server with the routes that a test gives it, and a client to ask it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bitbrat.telemetry.logging import Logs
from bitbrat.telemetry.metrics import Metrics
from bitbrat.web import Health, HttpServer, make_app, serve


@dataclass
class Running:
    """A running server: its address, a client session on it, what it counted and wrote."""

    server: HttpServer
    client: aiohttp.ClientSession
    metrics: Metrics
    log: io.StringIO


async def ready() -> Health:
    """All is well."""
    return Health(True, details={"bus": "memory"})


@asynccontextmanager
async def running(*routes: Any, **options: Any) -> AsyncIterator[Running]:
    """A server with ``routes`` on a free port; ``options`` go to ``make_app``."""
    metrics, log = Metrics(), io.StringIO()
    logger = Logs(stream=log, log_format="json", level="debug").logger("http")
    app = make_app(routes=routes, metrics=metrics, log=logger, **{"health": ready, **options})
    server = await serve(app)
    try:
        async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(limit=0)) as client:
            yield Running(server, client, metrics, log)
    finally:
        await server.close()
