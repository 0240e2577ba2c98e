"""Endpoints, answers and failures of the application."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiohttp import web

from bitbrat.errors import BitBratError, BusUnavailable, ConfigError, EnvelopeError
from bitbrat.telemetry import names
from bitbrat.web import HttpError, Invalid, make_app, serve, status_of
from bitbrat.web.server import claim
from tests.unit.web.client import ready, running


def failing(error: Exception) -> tuple[str, str, Any]:
    """A route whose handler raises ``error``."""

    async def handler(_: web.Request) -> None:
        raise error

    return ("GET", "/fail", handler)


async def test_what_a_handler_returns_is_sent() -> None:
    """A value as JSON, nothing as 204, a response as it is."""

    async def value(_: web.Request) -> dict[str, int]:
        return {"n": 0}

    async def nothing(_: web.Request) -> None:
        return None

    async def response(_: web.Request) -> web.Response:
        return web.Response(text="hi", headers={"Cache-Control": "max-age=60"})

    async with running(("GET", "/value", value), ("DELETE", "/nothing", nothing), ("GET", "/response", response)) as server:
        async with server.client.get("/value") as answer:
            assert await answer.json() == {"n": 0}
        async with server.client.delete("/nothing") as answer:
            assert answer.status == 204
        async with server.client.get("/response") as answer:
            assert answer.headers["Cache-Control"] == "max-age=60"


async def test_every_answer_has_the_security_headers_and_none_names_the_server() -> None:
    """Good answers and refusals alike."""
    async with running() as server:
        for path in ("/healthz", "/nowhere"):
            async with server.client.get(path) as answer:
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Request-Id"]
                assert "Server" not in answer.headers
                assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EnvelopeError("envelope.not_json", "x"), 400),
        (EnvelopeError("envelope.too_large", "x"), 413),
        (BusUnavailable("bus.unavailable", "x"), 503),
        (BitBratError("bus.full", "x"), 503),
        (BitBratError("http.idempotency_conflict", "x"), 409),
        (BitBratError("slip.bad", "x"), 422),
        (BitBratError("shop.sold_out", "x"), 500),
        (HttpError("shop.sold_out", "x", status=410), 410),
        (Invalid([{"pointer": "/a", "message": "no", "fix": "yes"}]), 422),
    ],
    ids=str,
)
async def test_a_code_has_its_status(error: BitBratError, status: int) -> None:
    """One table for every route; an error that says its own status keeps it."""
    assert status_of(error) == status

    async with running(failing(error)) as server, server.client.get("/fail") as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"


async def test_a_problem_has_all_its_parts() -> None:
    """RFC 9457, and ours: code, request id, what to do."""
    route = failing(BusUnavailable("bus.unavailable", "no answer in 2 s"))

    async with running(route, error_base="https://errors.example/") as server, server.client.get("/fail") as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert problem["type"] == "https://errors.example/bus.unavailable"
    assert (problem["status"], problem["detail"], problem["instance"]) == (503, "no answer in 2 s", "/fail")
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    assert problem["errors"][0]["fix"]
    assert answer.headers["Retry-After"]


async def test_invalid_lists_every_field() -> None:
    """Whoever sent it corrects all of it at once."""
    errors = [{"pointer": f"/{name}", "message": "wrong", "fix": "right"} for name in "abc"]

    async with running(failing(Invalid(errors))) as server, server.client.get("/fail") as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert problem["errors"] == errors


async def test_an_unexpected_failure_says_nothing_of_the_inside() -> None:
    """500 with an id; the log has the rest, under the same id."""
    async with running(failing(KeyError("kanarienvogel"))) as server, server.client.get("/fail") as answer:
        text = await answer.text()
        request = answer.headers["X-Request-Id"]

    assert answer.status == 500
    assert "kanarienvogel" not in text
    assert "Traceback" not in text
    assert "internal.error" in text
    assert request in server.log.getvalue()


async def test_secrets_are_taken_out_of_problems() -> None:
    """Text by text, so that the JSON stays whole."""
    route = failing(BitBratError("http.bad_request", 'no "kanarienvogel" here'))

    async with (
        running(route, redact=lambda text: text.replace("kanarienvogel", "***")) as server,
        server.client.get("/fail") as answer,
    ):
        assert (await answer.json(content_type=None))["detail"] == 'no "***" here'


async def test_refusals_are_counted_by_code() -> None:
    """Those of clients; our own failures are no bad input."""
    async with running(failing(BusUnavailable("bus.unavailable", "x"))) as server:
        async with server.client.get("/nowhere"), server.client.get("/fail"):
            pass

        assert server.metrics.value(names.BAD_INPUT, entry="http", code="http.not_found") == 1
        assert server.metrics.value(names.BAD_INPUT, entry="http", code="bus.unavailable") == 0


async def test_metrics_are_prometheus_text() -> None:
    """``/metrics`` on every service."""
    async with running() as server:
        server.metrics.accepted()
        async with server.client.get("/metrics") as answer:
            assert answer.content_type == "text/plain"
            assert "bitbrat_events_accepted_total 1.0" in await answer.text()


async def test_head_is_answered_like_get_without_a_body() -> None:
    """Load balancers ask that way."""
    async with running() as server, server.client.head("/healthz") as answer:
        assert answer.status == 200
        assert await answer.read() == b""


async def test_one_connection_carries_several_requests() -> None:
    """The clock of the headers does not cut a client off that keeps its connection."""
    async with running() as server:
        for _ in range(3):
            async with server.client.get("/healthz") as answer:
                assert answer.headers.get("Connection") != "close"


async def test_a_port_in_use_is_said_before_anything_starts() -> None:
    """With the code that ``bitbrat explain`` knows."""
    async with running() as server:
        with pytest.raises(ConfigError) as refused:
            claim("127.0.0.1", server.server.port)

    assert refused.value.code == "net.port_in_use"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.1"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    """A wrong BITBRAT_HTTP_HOST is a wrong setting."""
    with pytest.raises(ConfigError) as refused:
        claim(host, 0)

    assert refused.value.code == "config.bad"


async def test_a_claimed_port_is_served_later() -> None:
    """First the port, then the slow start, then the answers."""
    taken = claim("127.0.0.1", 0)
    port = taken.getsockname()[1]
    async with running() as server:
        other = await serve(make_app(health=ready, metrics=server.metrics), sock=taken)

        async with server.client.get(f"{other.url}/healthz") as answer:
            assert (answer.status, other.port) == (200, port)
        await other.close()


async def test_a_closed_server_lets_go_of_its_port() -> None:
    """Closing twice is harmless."""
    async with running() as server:
        port = server.server.port
        await server.server.close()

        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
