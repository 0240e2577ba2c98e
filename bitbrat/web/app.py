"""The application: our endpoints and the services' routes, behind one shell that turns every failure into a problem."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from bitbrat.errors import BitBratError
from bitbrat.telemetry.logging import Logger, get_logger
from bitbrat.telemetry.metrics import Metrics
from bitbrat.web.guard import check_request
from bitbrat.web.health import HealthCheck, alive, measured, readiness
from bitbrat.web.problems import ERROR_BASE, HttpError, from_aiohttp
from bitbrat.web.shell import REQUEST_ID, SECURITY_HEADERS, SHELL, HttpLimits, Shell
from bitbrat.world import RealWorld, World

Handler = Callable[[web.Request], Awaitable[Any]]
_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint(NamedTuple):
    """A route: the handler returns a response, or a value that is sent as JSON, or None for 204."""

    method: str
    path: str
    handler: Handler


def make_app(
    *,
    health: HealthCheck,
    metrics: Metrics,
    routes: Iterable[Endpoint | tuple[str, str, Handler]] = (),
    world: World | None = None,
    log: Logger | None = None,
    limits: HttpLimits | None = None,
    error_base: str = ERROR_BASE,
    redact: Callable[[str], str] | None = None,
) -> web.Application:
    """The application of a process: ``/healthz`` ``/livez`` ``/readyz`` ``/metrics``, and ``routes``.

    ``error_base`` stands before the code in a problem's ``type``; ``redact`` takes secrets out of problems.
    """
    limits = limits or HttpLimits()
    options = {"redact": redact} if redact is not None else {}
    app = web.Application(middlewares=[_shelled], client_max_size=limits.body)
    app[SHELL] = Shell(world or RealWorld(), metrics, log or get_logger("http"), limits, error_base, **options)
    ours = [Endpoint("GET", "/healthz", alive), Endpoint("GET", "/livez", alive)]
    ours += [Endpoint("GET", "/readyz", readiness(health)), Endpoint("GET", "/metrics", measured)]
    for method, path, handler in [*ours, *routes]:
        _add(app, method, path, handler)
    app.on_response_prepare.append(_finish)
    return app


def _add(app: web.Application, method: str, path: str, handler: Handler) -> None:
    answering = _answering(handler)
    if method == "GET":
        app.router.add_get(path, answering, expect_handler=_expect)
    else:
        app.router.add_route(method, path, answering, expect_handler=_expect)


def _answering(handler: Handler) -> _Next:
    async def answer(request: web.Request) -> web.StreamResponse:
        result = await handler(request)
        if isinstance(result, web.StreamResponse):
            return result
        return web.Response(status=204) if result is None else web.json_response(result)

    return answer


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Ask for the body only if it will be taken."""
    limit = request.app[SHELL].limits.body
    if request.headers.get("Expect", "").strip().lower() != "100-continue":
        raise HttpError("http.bad_request", "the only expectation is 100-continue", status=417)
    if (request.content_length or 0) <= limit:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return None


@web.middleware
async def _shelled(request: web.Request, handler: _Next) -> web.StreamResponse:
    shell = request.app[SHELL]
    request[REQUEST_ID] = shell.world.new_id()
    deadline = _watch_body(request, shell.limits.body_seconds)
    try:
        check_request(request, shell.limits)
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _refused(request, shell, from_aiohttp(error))
    except BitBratError as error:
        return _refused(request, shell, error)
    except (ClientPayloadError, HttpProcessingError, web.RequestPayloadError):
        return _refused(request, shell, HttpError("http.bad_request", "the body is not framed as its headers say"))
    except ConnectionError:
        raise
    except Exception as error:
        shell.log.error("a request failed", code="internal.error", request_id=request[REQUEST_ID], exc_info=error)
        return _refused(request, shell, HttpError("internal.error", "something went wrong here; the request id finds it in the log"))
    finally:
        deadline.cancel()


def _watch_body(request: web.Request, seconds: float) -> asyncio.TimerHandle:
    """Whoever reads the body after the deadline gets ``http.timeout``, whichever way the handler reads it."""

    def late() -> None:
        if not request.content.is_eof():
            request.content.set_exception(HttpError("http.timeout", f"the body did not come within {seconds:g} s"))

    return asyncio.get_running_loop().call_later(seconds, late)


def _refused(request: web.Request, shell: Shell, error: BitBratError) -> web.StreamResponse:
    response = shell.refusal(error, instance=request.path, request_id=request[REQUEST_ID])
    # After bytes that could be read in two ways, what follows on the connection could be anything.
    if error.code in ("http.bad_request", "http.timeout") or not request.content.is_eof():
        response.force_close()
    return response


async def _finish(request: web.Request, response: web.StreamResponse) -> None:
    """The headers that every answer has, and the one that none has."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("X-Request-Id", request.get(REQUEST_ID, ""))
    response.headers.pop("Server", None)
