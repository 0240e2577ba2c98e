"""What a request must be before any handler sees it. What the parser lets through and we do not is refused here."""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiohttp import HttpVersion10, HttpVersion11, web

from bitbrat.web.problems import HttpError
from bitbrat.web.shell import HttpLimits

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def check_request(request: web.Request, limits: HttpLimits) -> None:
    """Refuse other protocols, unclear targets, unclear framing and what is too large. Raises :class:`HttpError`."""
    _check_version(request)
    if request.method not in METHODS:
        raise HttpError("http.method_not_allowed", f"this server takes {', '.join(METHODS)}", headers={"Allow": ", ".join(METHODS)})
    _check_headers(request, limits)
    _check_target(request.raw_path)
    if request.content_length is not None and request.content_length > limits.body:
        raise too_large(limits.body)


def too_large(limit: int) -> HttpError:
    """The refusal of a body of more than ``limit`` bytes."""
    return HttpError("envelope.too_large", f"the body has more than {limit} bytes")


def _check_version(request: web.Request) -> None:
    if request.version not in (HttpVersion10, HttpVersion11):
        # The answer would be written in the version that the client claimed, and that is none of ours.
        request._cache["version"] = HttpVersion11
        raise HttpError("http.bad_request", "this server speaks HTTP/1.0 and HTTP/1.1")


def _check_headers(request: web.Request, limits: HttpLimits) -> None:
    if sum(len(name) + len(value) + 4 for name, value in request.raw_headers) > limits.headers:
        raise HttpError("http.headers_too_large", f"the headers have more than {limits.headers} bytes")
    if request.headers.get("Transfer-Encoding", "chunked").strip().lower() != "chunked":
        raise HttpError("http.bad_request", "the only Transfer-Encoding is chunked")
    host = request.headers.get("Host")
    if host is not None and _HOST.fullmatch(host) is None:
        raise HttpError("http.bad_request", "Host is not a host and a port")
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise HttpError("http.unsupported_media", "send the body without Content-Encoding")


def _check_target(target: str) -> None:
    """Only a plain path from the root: no proxy's form, no fragment, nothing that climbs or hides."""
    if not target.startswith("/") or "#" in target:
        raise HttpError("http.bad_request", "the request target is not a path")
    path = unquote(target.partition("?")[0])
    if _CONTROL.search(path):
        raise HttpError("http.bad_request", "the path has a control character or a backslash in it")
    if "//" in path or any(segment in (".", "..") for segment in path.split("/")):
        raise HttpError("http.not_found", "there is nothing at this path")
