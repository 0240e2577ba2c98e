"""Errors as HTTP problems (RFC 9457): one table from codes to status, one form for all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bitbrat.catalogue import explain
from bitbrat.errors import BitBratError

CONTENT_TYPE = "application/problem+json"
ERROR_BASE = "urn:bitbrat:error:"

STATUS: dict[str, int] = {
    "envelope.too_large": 413,
    "http.unsupported_media": 415,
    "http.timeout": 408,
    "http.headers_too_large": 431,
    "http.not_found": 404,
    "http.method_not_allowed": 405,
    "http.invalid": 422,
    "http.idempotency_conflict": 409,
    "http.rate_limited": 429,
    "http.forbidden_host": 403,
    "http.forbidden_origin": 403,
    "http.not_ready": 503,
    "auth.bad_key": 401,
    "auth.forbidden": 403,
    "bus.unavailable": 503,
    "bus.full": 503,
    "bus.closed": 503,
    "store.unavailable": 503,
    "store.closed": 503,
}
AREAS = {"envelope": 400, "http": 400, "slip": 422, "auth": 403}

_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "5"},
}


class HttpError(BitBratError):
    """A refusal with a status of its own, and headers that belong to it."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        fix: str = "",
    ) -> None:
        super().__init__(code, message, fix=fix)
        self.status = status
        self.headers = dict(headers or {})
        self.errors = [dict(error) for error in errors]


class Invalid(HttpError):
    """A request that is well formed and cannot be accepted: 422 ``http.invalid`` with every field that is wrong.

    Each of ``errors`` has ``pointer`` (RFC 6901), ``message`` and ``fix``.
    """

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__("http.invalid", f"{len(errors)} field(s) cannot be accepted", errors=errors)


def status_of(error: BitBratError) -> int:
    """The HTTP status of an error: its own, the code's, the area's; else 500."""
    own = getattr(error, "status", None)
    return own if isinstance(own, int) else STATUS.get(error.code, AREAS.get(error.code.partition(".")[0], 500))


def from_aiohttp(error: web.HTTPException) -> HttpError:
    """aiohttp's own refusals (no such path, no such method, too large) with our codes."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return HttpError("http.method_not_allowed", f"this path takes {allowed}", headers={"Allow": allowed})
    if isinstance(error, web.HTTPNotFound):
        return HttpError("http.not_found", "there is nothing at this path")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return HttpError("envelope.too_large", "the body is larger than the limit")
    code = "http.bad_request" if error.status < 500 else "internal.error"
    return HttpError(code, HTTPStatus(error.status).phrase.lower(), status=error.status)


def document(error: BitBratError, *, base: str, instance: str, request_id: str) -> dict[str, Any]:
    """The problem's JSON. For a refused key it is the same, whatever was wrong with the key: not even the id differs."""
    entry = explain(error.code)
    body: dict[str, Any] = {
        "type": f"{base}{error.code}",
        "title": entry.what,
        "status": status_of(error),
        "detail": error.message,
        "instance": instance[:256],
        "code": error.code,
        "requestId": request_id,
        "errors": getattr(error, "errors", None) or [{"pointer": "", "message": error.message, "fix": error.fix or entry.fix}],
    }
    if error.code == "auth.bad_key":
        del body["requestId"]
    return body


def headers_of(error: BitBratError) -> dict[str, str]:
    """The headers that go with an error: those of its status, and its own."""
    return {**_HEADERS.get(status_of(error), {}), **getattr(error, "headers", {})}


def encoded(body: Mapping[str, Any]) -> bytes:
    """The problem as it goes on the wire, ASCII only."""
    return json.dumps(body, separators=(",", ":")).encode()
