"""The HTTP side of a process: health, metrics, the routes of its services, and whatever else it is given."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from bitbrat.config import CoreSettings
from bitbrat.runtime import Runtime
from bitbrat.secrets import Secrets
from bitbrat.service import Route, Service
from bitbrat.telemetry.logging import Logs
from bitbrat.telemetry.metrics import Metrics
from bitbrat.web import Endpoint, Health, HttpLimits, HttpServer, make_app, serve
from bitbrat.web.server import claim


class Front:
    """Listens from the start, so that a taken port is known first; serves once the process is ready."""

    def __init__(self, core: CoreSettings, runtime: Runtime, metrics: Metrics, logs: Logs, secrets: Secrets) -> None:
        self._core = core
        self._runtime = runtime
        self._metrics = metrics
        self._logs = logs
        self._secrets = secrets
        self._socket: socket.socket | None = None
        self._server: HttpServer | None = None

    @property
    def url(self) -> str:
        """Where it answers; empty while it does not."""
        return self._server.url if self._server is not None else ""

    def claim_port(self) -> None:
        """Take the port. Raises ``net.port_in_use`` and ``config.bad``."""
        self._socket = claim(self._core.http_host, self._core.http_port)

    async def serve(self, endpoints: Iterable[Endpoint] = ()) -> None:
        """Answer: health, metrics, the services' routes, and ``endpoints``."""
        routes = [*self._routes(), *endpoints]
        limits = HttpLimits(header_seconds=self._core.http_header_seconds, body_seconds=self._core.http_body_seconds)
        app = make_app(
            health=self.health,
            metrics=self._metrics,
            routes=routes,
            world=self._runtime.world,
            log=self._logs.logger("http"),
            limits=limits,
            error_base=self._core.error_base,
            redact=self._secrets.redact,
        )
        self._server = await serve(app, self._core.http_host, self._core.http_port, sock=self._socket)

    async def close(self) -> None:
        """Stop answering. Idempotent."""
        if self._server is not None:
            await self._server.close()
        elif self._socket is not None:
            self._socket.close()
        self._server = self._socket = None

    async def health(self) -> Health:
        """Whether the process can do its work, and how its connections are."""
        details = {name: state for service in self._runtime.services for name, state in self._details(service).items()}
        trouble = await self._runtime.trouble()
        return Health(True, details=details) if trouble is None else Health(False, trouble.code, trouble.cause, details)

    def _details(self, service: Service) -> dict[str, str]:
        """What the service's state tells about itself: connections, rules that could not be loaded."""
        return dict(getattr(self._runtime.state_of(service), "health", {}) or {})

    def _routes(self) -> list[Endpoint]:
        return [_endpoint(self._runtime, service, route) for service in self._runtime.services for route in service.routes]


def _endpoint(runtime: Runtime, service: Service, route: Route) -> Endpoint:
    context = runtime.context_of(service)

    async def handler(request: web.Request) -> Any:
        return await route.handler(request, context)

    return Endpoint(route.method, route.path, handler)
