"""One client's connection: aiohttp's, with a deadline for the headers and our own form of errors.

aiohttp never gives up on a client that sends its headers slowly. What is used of its inside is marked; the tests of rows
39 to 43 of the bad inputs fail when a new version changes it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, LineTooLong

from bitbrat.errors import BitBratError
from bitbrat.web.problems import CONTENT_TYPE, HttpError, status_of
from bitbrat.web.shell import SECURITY_HEADERS, Shell

_SILENT = logging.Logger("bitbrat.web.silent", level=logging.CRITICAL + 1)
"""aiohttp's own log lines quote what a client sent; ours say it in other words."""

_UNKNOWN_METHOD = re.compile(r"b'[A-Za-z]{1,20} \S+ HTTP/1\.[01]'")


class Connection(web.RequestHandler):  # type: ignore[type-arg,unused-ignore]
    """A connection that is answered 408 when the headers of a request take too long, and 431 when they are too large."""

    __slots__ = ("_head_bytes", "_head_timer", "_shell")

    def __init__(self, server: web.Server, shell: Shell, *, loop: asyncio.AbstractEventLoop) -> None:
        limits = shell.limits
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=limits.keepalive_seconds,
            logger=_SILENT,
            access_log=_SILENT,
            max_line_size=limits.line,
            max_field_size=limits.line,
            max_headers=limits.header_count,
            lingering_time=limits.linger_seconds,
            auto_decompress=False,
        )
        self._shell = shell
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The clock runs from the first moment: who connects has to ask for something."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; the clock stops with the end of the headers and starts with the beginning of the next."""
        seen = self._request_count  # of aiohttp: one more for each request whose headers are complete
        super().data_received(data)
        if self._request_count != seen:
            self._stop_clock()
        elif self._between_requests():
            self._head_bytes += len(data)
            if self._head_bytes > self._shell.limits.headers + self._shell.limits.line:
                self._give_up(HttpError("http.headers_too_large", f"the headers have more than {self._shell.limits.headers} bytes"))
            elif self._head_timer is None:
                self._start_clock()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's text quotes the client
    ) -> web.StreamResponse:
        """A problem for what never reached the application: bytes that are not HTTP, mostly. The connection ends with it."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(exc, BitBratError):
            self._shell.log.error("a request failed", code="internal.error", exc_info=exc)
        response = self._shell.refusal(_error(exc, status), instance="", request_id=self._shell.world.new_id())
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What aiohttp meets while it ends a connection; of use only while looking for a fault."""
        self._shell.log.debug("connection ended badly", what=str(args[0]) if args else "", exc_info=kw.get("exc_info"))

    def _between_requests(self) -> bool:
        waiter = self._waiter  # of aiohttp: what it waits on while no request is in work
        return waiter is not None and not waiter.done()

    def _start_clock(self) -> None:
        self._head_timer = self._loop.call_later(self._shell.limits.header_seconds, self._late)

    def _stop_clock(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._head_timer = None
        if self._between_requests():
            self._give_up(HttpError("http.timeout", f"the headers did not come within {self._shell.limits.header_seconds:g} s"))

    def _give_up(self, error: HttpError) -> None:
        """Answer without a request, and close."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.write(_raw(self._shell, error))
        self._stop_clock()
        self.force_close()


def _error(exc: BaseException | None, status: int) -> BitBratError:
    if isinstance(exc, BitBratError):
        return exc
    if isinstance(exc, BadHttpMethod) and _UNKNOWN_METHOD.search(str(exc)):
        return HttpError(
            "http.method_not_allowed", "there is no such method; names of methods are upper case", headers={"Allow": "GET, POST"}
        )
    if isinstance(exc, LineTooLong):
        return HttpError("http.headers_too_large", "the request line or a header is too long")
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return HttpError("internal.error", "something went wrong here; the request id finds it in the log")
    return HttpError("http.bad_request", "these bytes are not an HTTP/1.1 request", status=status)


def _raw(shell: Shell, error: HttpError) -> bytes:
    """A whole response as bytes."""
    request_id = shell.world.new_id()
    body = shell.problem(error, instance="", request_id=request_id)
    shell.tell(error, request_id)
    status = HTTPStatus(status_of(error))
    headers = {
        **SECURITY_HEADERS,
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "X-Request-Id": request_id,
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode() + body
