"""Keys, hosts and origins."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from aiohttp import web
from pydantic import SecretStr

from bitbrat.telemetry import names
from bitbrat.web import check_bearer, check_host, check_origin
from tests.unit.web.client import running

KEY = "kanarienvogel-4711"

BAD_KEYS = {
    "missing": {},
    "empty": {"Authorization": ""},
    "no-scheme": {"Authorization": KEY},
    "scheme-only": {"Authorization": "Bearer"},
    "empty-key": {"Authorization": "Bearer "},
    "basic": {"Authorization": f"Basic {KEY}"},
    "cut": {"Authorization": f"Bearer {KEY[:-1]}"},
    "longer": {"Authorization": f"Bearer {KEY}x"},
    "bit": {"Authorization": f"Bearer {KEY[:-1]}0"},
    "case": {"Authorization": f"Bearer {KEY.upper()}"},
    "unicode": {"Authorization": "Bearer ｋanarienvogel-4711"},
    "10-KB": {"Authorization": f"Bearer {'a' * 8000}"},
    "two-spaces": {"Authorization": f"Bearer  {KEY}"},
    "in-the-query": {"X-Key": KEY},
}


async def guarded(request: web.Request) -> dict[str, bool]:
    """A route behind the key."""
    check_bearer(request, SecretStr(KEY))
    return {"in": True}


async def test_the_right_key_opens() -> None:
    """The scheme's case does not matter, the key's does."""
    async with running(("GET", "/guarded", guarded)) as server:
        for scheme in ("Bearer", "bearer"):
            async with server.client.get("/guarded", headers={"Authorization": f"{scheme} {KEY}"}) as answer:
                assert answer.status == 200


async def test_every_wrong_key_gets_the_same_answer() -> None:
    """Byte for byte, so that nothing can be learned from it; each is counted as a security event."""
    bodies = set()
    async with running(("GET", "/guarded", guarded)) as server:
        for headers in BAD_KEYS.values():
            async with server.client.get("/guarded", headers=headers, params={"key": KEY}) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                bodies.add(await answer.read())

    assert len(bodies) == 1
    assert b"auth.bad_key" in bodies.pop()
    assert server.metrics.value(names.SECURITY_EVENTS, kind="auth.bad_key") == len(BAD_KEYS)
    assert KEY not in server.log.getvalue()


@pytest.mark.parametrize("configured", [None, "", SecretStr("")])
async def test_without_a_configured_key_nobody_gets_in(configured: SecretStr | str | None) -> None:
    """An empty setting is a closed door."""

    async def route(request: web.Request) -> None:
        check_bearer(request, configured)

    async with (
        running(("GET", "/guarded", route)) as server,
        server.client.get("/guarded", headers={"Authorization": "Bearer "}) as answer,
    ):
        assert answer.status == 401


async def local(request: web.Request) -> None:
    """A route for this machine only."""
    check_host(request)
    check_origin(request)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Host": "localhost:2728"}, 204),
        ({"Host": "LOCALHOST"}, 204),
        ({"Host": "[::1]:2728"}, 204),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Host": "localhost:2728", "Origin": "http://localhost:2728"}, 204),
        ({"Host": "localhost:2728", "Origin": "http://localhost:9999"}, 403),
        ({"Host": "localhost:2728", "Origin": "http://evil.example"}, 403),
        ({"Host": "localhost:2728", "Origin": "null"}, 403),
        ({"Host": "localhost:2728", "Origin": ""}, 403),
        ({"Host": "localhost:2728", "Origin": "http://[bad"}, 403),
        ({"Host": "localhost:2728", "Origin": "file://localhost:2728"}, 403),
    ],
    ids=str,
)
async def test_other_names_and_other_pages_are_kept_out(headers: Mapping[str, str], status: int) -> None:
    """A name that was bound to our address, and a page from elsewhere in the same browser."""
    async with running(("GET", "/local", local)) as server, server.client.get("/local", headers=headers) as answer:
        assert answer.status == status
