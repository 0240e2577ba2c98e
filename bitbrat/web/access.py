"""Who may ask: bearer tokens, and the checks that keep other web pages away from a loopback API."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection

from aiohttp import web
from pydantic import SecretStr

from bitbrat.web.problems import HttpError

MAX_KEY = 1024


def check_bearer(request: web.Request, token: SecretStr | str | None) -> None:
    """Let pass who sends ``Authorization: Bearer <token>``. Raises ``auth.bad_key``, the same whatever is wrong.

    No token configured lets nobody pass. The comparison takes the same time for every key.
    """
    wanted = (token.get_secret_value() if isinstance(token, SecretStr) else token or "").encode()
    given = request.headers.getall("Authorization", [])
    scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    same = hmac.compare_digest(_digest(key.encode("utf-8", "surrogateescape")), _digest(wanted))
    if not (same and wanted and scheme.lower() == "bearer" and len(key) <= MAX_KEY):
        raise HttpError("auth.bad_key", "the key is not accepted")


def _digest(key: bytes) -> bytes:
    # Of one length, so that not even the length of the key shows in the time.
    return hashlib.sha256(key[: MAX_KEY + 1]).digest()


def check_host(request: web.Request, allowed: Collection[str] = ("localhost", "127.0.0.1", "[::1]")) -> None:
    """Let pass only requests for one of our own names, whatever the port: another name is a rebound DNS entry."""
    host = request.headers.get("Host", "").lower()
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    if name not in allowed:
        raise HttpError("http.forbidden_host", "this server does not answer to that name")


def check_origin(request: web.Request, allowed: Collection[str] = ()) -> None:
    """Let pass requests that no web page made, or one of ``allowed``, or one served by this very host and port."""
    origin = request.headers.get("Origin")
    if origin is None or origin in allowed:
        return
    host = request.headers.get("Host", "").lower()
    if not host or origin.lower() not in (f"http://{host}", f"https://{host}"):
        raise HttpError("http.forbidden_origin", "this page may not use this server")
