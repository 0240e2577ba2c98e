"""Where HTTP corpus rows are sent: a server on a free port with a route that takes JSON.

A further route that shall stand the same corpus adds itself to :data:`TARGETS`.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bitbrat.host import Host, load_services
from bitbrat.telemetry import names
from bitbrat.telemetry.logging import Logs
from bitbrat.telemetry.metrics import Metrics
from bitbrat.web import Health, HttpLimits, check_bearer, make_app, read_json_body, serve

LIMITS = HttpLimits(header_seconds=0.4, body_seconds=0.4, linger_seconds=0.2)
TOKEN = "kanarienvogel-4711"


@dataclass
class Target:
    """A running server: where the route is, what it takes, how many events it has accepted."""

    port: int
    path: str
    good: bytes
    accepts: int
    accepted: Callable[[], int]
    metrics: Metrics
    log: io.StringIO
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: int = LIMITS.body

    def head(self, method: str = "POST", *, path: str | None = None, version: str = "1.1", host: bool = True, **extra: str) -> bytes:
        """A request's head, without its end: the token and a JSON type unless ``extra`` (``_`` for ``-``) says otherwise."""
        headers = {**({"Host": "localhost"} if host else {}), "Content-Type": "application/json", **self.headers}
        headers |= {name.replace("_", "-"): value for name, value in extra.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
        return f"{method} {path or self.path} HTTP/{version}\r\n{lines}".encode("latin-1")

    def post(self, body: bytes, **extra: str) -> bytes:
        """A whole request with ``body``."""
        return self.head(Content_Length=str(len(body)), **extra) + b"\r\n" + body


@asynccontextmanager
async def shell() -> AsyncIterator[Target]:
    """The shell alone, with a route that counts the JSON objects it is given."""
    seen: list[object] = []
    metrics, log = Metrics(), io.StringIO()

    async def take(request: web.Request) -> web.Response:
        check_bearer(request, TOKEN)
        seen.append((await read_json_body(request)).value)
        return web.json_response({"accepted": len(seen), "remote": request.remote}, status=202)

    async def health() -> Health:
        return Health(True)

    logs = Logs(stream=log, log_format="json")
    app = make_app(routes=[("POST", "/v1/take", take)], health=health, metrics=metrics, limits=LIMITS, log=logs.logger("http"))
    server = await serve(app)
    try:
        yield Target(
            port=server.port,
            path="/v1/take",
            good=b'{"type":"external.shop.sold.v1","payload":{"n":0,"gift":false}}',
            accepts=202,
            accepted=lambda: len(seen),
            metrics=metrics,
            log=log,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
    finally:
        await server.close()


@asynccontextmanager
async def events() -> AsyncIterator[Target]:
    """``POST /v1/events`` of the ingress service, in a process as ``bitbrat run`` makes it, on memory."""
    environ = {
        "BITBRAT_BUS": "memory://",
        "BITBRAT_STORE": "memory://",
        "BITBRAT_HTTP_PORT": "0",
        "BITBRAT_HTTP_HEADER_SECONDS": str(LIMITS.header_seconds),
        "BITBRAT_HTTP_BODY_SECONDS": str(LIMITS.body_seconds),
        "BITBRAT_LOG_FORMAT": "json",
        "BITBRAT_INGRESS__TOKEN": TOKEN,
    }
    host = Host.of(load_services(["services.ingress_egress"]), environ)
    host.logs.stream = log = io.StringIO()
    await host.start()
    try:
        yield Target(
            port=int(host.front.url.rpartition(":")[2]),
            path="/v1/events",
            good=b'{"type":"external.shop.sold.v1","payload":{"n":0,"gift":false}}',
            accepts=202,
            accepted=lambda: int(host.metrics.value(names.EVENTS_ACCEPTED)),
            metrics=host.metrics,
            log=log,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
    finally:
        await host.stop()


TARGETS: dict[str, Callable[[], AbstractAsyncContextManager[Target]]] = {"shell": shell, "events": events}
