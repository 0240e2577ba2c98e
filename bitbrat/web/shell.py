"""What every request of a process shares: limits, time and ids, counters, the form of its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from bitbrat.codec import LIMITS
from bitbrat.errors import BitBratError
from bitbrat.telemetry.logging import Logger
from bitbrat.telemetry.metrics import Metrics
from bitbrat.web.problems import CONTENT_TYPE, ERROR_BASE, document, encoded, headers_of, status_of
from bitbrat.world import World

REQUEST_ID: web.RequestKey[str] = web.RequestKey("bitbrat.request_id", str)

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer, unless a handler set its own."""


@dataclass(frozen=True)
class HttpLimits:
    """Bytes and seconds that a client may use up."""

    body: int = LIMITS.content
    headers: int = 16 * 1024
    line: int = 8190
    header_count: int = 100
    header_seconds: float = 10.0
    body_seconds: float = 15.0
    keepalive_seconds: float = 30.0
    linger_seconds: float = 2.0
    """How long the rest of a refused body is read and thrown away, so that the client gets to read the refusal."""


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Shell:
    """The surroundings of the requests of one process."""

    world: World
    metrics: Metrics
    log: Logger
    limits: HttpLimits = field(default_factory=HttpLimits)
    error_base: str = ERROR_BASE
    redact: Callable[[str], str] = _as_it_is

    def refusal(self, error: BitBratError, *, instance: str, request_id: str) -> web.Response:
        """The answer to a request that ended in ``error``; counted and logged."""
        self.tell(error, request_id)
        return BareResponse(
            body=self.problem(error, instance=instance, request_id=request_id),
            status=status_of(error),
            headers={**SECURITY_HEADERS, **headers_of(error), "X-Request-Id": request_id},
            content_type=CONTENT_TYPE,
        )

    def problem(self, error: BitBratError, *, instance: str, request_id: str) -> bytes:
        """The problem's JSON, without secrets."""
        body = document(error, base=self.error_base, instance=self.redact(instance), request_id=request_id)
        body["detail"] = self.redact(body["detail"])
        body["errors"] = [{name: self.redact(text) for name, text in entry.items()} for entry in body["errors"]]
        return encoded(body)

    def tell(self, error: BitBratError, request_id: str) -> None:
        """Count and log a refusal."""
        status = status_of(error)
        if status < 500:
            self.metrics.bad_input("http", error.code)
        if status in (401, 403):
            self.metrics.security(error.code)
        (self.log.info if status < 500 else self.log.warning)("refused", code=error.code, request_id=request_id, detail=error.message)


class BareResponse(web.Response):
    """A response that does not say which server made it, also where no application was reached."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop("Server", None)


SHELL: web.AppKey[Shell] = web.AppKey("bitbrat.shell", Shell)


def request_id(request: web.Request) -> str:
    """The id that we gave to this request; what a client sends as one is not looked at."""
    return str(request.get(REQUEST_ID, ""))
