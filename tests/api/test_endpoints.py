"""The API is in its own document, lets in only who may, and refuses what makes no sense."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest

from bitbrat.api import NewEvent
from bitbrat.api.endpoints import Api
from bitbrat.api.openapi import document
from bitbrat.api.table import BASE, CALLS, Call
from bitbrat.web import HttpServer
from tests.api.served import TOKEN, asked, listening, running

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpServer]:
    """A platform that listens, with one message that ended well and one that failed."""
    async with running(tmp_path) as platform, listening(platform) as found:
        async with asked(found) as operator:
            for text in ("!ping", "!boom"):
                await operator.ended(await operator.send(NewEvent.said(text)), seconds=20.0)
        yield found


async def request(server: HttpServer, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """The status, and the body's JSON."""
    headers = AUTHORIZED | options.pop("headers", {})
    async with aiohttp.ClientSession() as session, session.request(method, server.url + path, headers=headers, **options) as answer:
        return answer.status, await answer.json(content_type=None)


def url(call: Call) -> str:
    """A path of the call."""
    return BASE + call.path.replace("{id}", "last")


def test_every_route_is_in_the_document() -> None:
    """The table makes both, so neither can forget one."""
    paths = document()["paths"]

    assert {(call.method.lower(), BASE + call.path) for call in CALLS} == {(method, path) for path in paths for method in paths[path]}
    assert all(paths[BASE + call.path][call.method.lower()]["operationId"] == call.name for call in CALLS)
    assert all(callable(getattr(Api, call.name)) for call in CALLS)


def test_the_document_is_openapi() -> None:
    """Its references lead somewhere, and each operation tells its answers and refusals."""
    made = document()
    schemas = made["components"]["schemas"]

    assert made["openapi"] == "3.1.0"
    assert {call.answer for call in CALLS} <= set(schemas)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_nobody_gets_in_without_the_token(server: HttpServer, call: Call) -> None:
    """Not without one, not with another one."""
    for headers in ({"Authorization": ""}, {"Authorization": f"Bearer {TOKEN[:-1]}x"}, {"Authorization": f"Basic {TOKEN}"}):
        status, problem = await request(server, call.method, url(call), headers=headers)

        assert (status, problem["code"]) == (401, "auth.bad_key")


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_no_web_page_gets_in(server: HttpServer, call: Call) -> None:
    """Neither from elsewhere, nor by a name that was made to point here."""
    foreign = await request(server, call.method, url(call), headers={"Origin": "https://evil.example"})
    rebound = await request(server, call.method, url(call), headers={"Host": "evil.example"})

    assert [(status, problem["code"]) for status, problem in (foreign, rebound)] == [
        (403, "http.forbidden_origin"),
        (403, "http.forbidden_host"),
    ]


@pytest.mark.parametrize("call", [call for call in CALLS if call.method == "GET"], ids=lambda call: call.name)
async def test_an_answer_is_as_the_document_says(server: HttpServer, call: Call) -> None:
    """Status and schema."""
    status, body = await request(server, call.method, url(call))

    schemas = document()["components"]["schemas"]
    jsonschema.validate(body, {"$ref": f"#/components/schemas/{call.answer}", "components": {"schemas": schemas}})
    assert status == call.status


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("GET", "/messages?limit=0", {}, 400),
        ("GET", "/messages?limit=1001", {}, 400),
        ("GET", "/messages?limit=many", {}, 400),
        ("GET", "/messages?order=random", {}, 400),
        ("GET", "/messages?after=1,2", {}, 400),
        ("GET", "/messages/last/end?wait=nan", {}, 400),
        ("GET", "/failures?state=lost", {}, 400),
        ("POST", "/messages", {"json": []}, 400),
        ("POST", "/messages", {"json": {"role": "emperor"}}, 422),
        ("POST", "/messages", {"json": {"type": "internal.x.v1"}}, 422),
        ("POST", "/messages", {"json": {"payload": "text"}}, 422),
        ("POST", "/messages", {"json": {"id": "mine"}}, 422),
        ("POST", "/messages", {"json": {"user": "a\u0000b"}}, 422),
        ("POST", "/messages", {"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "/messages", {"data": b'{"a":1,"a":2}', "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/messages", {"json": {"payload": {"text": "x" * 300_000}}}, 413),
        ("POST", "/failures/last/replay", {"json": {"mode": "rewind"}}, 422),
        ("POST", "/failures/last/replay", {"json": {"mode": ["resume"]}}, 422),
        ("POST", "/failures/last/replay", {"json": {"sudo": "yes"}}, 422),
        ("POST", "/rules/explain", {"json": {"user": ""}}, 422),
        ("DELETE", "/messages", {}, 405),
        ("GET", "/nothing", {}, 404),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_makes_no_sense_is_refused(server: HttpServer, method: str, path: str, options: dict[str, Any], expected: int) -> None:
    """As a problem with a code, and nothing happens."""
    status, problem = await request(server, method, BASE + path, **options)

    assert (status, problem["status"]) == (expected, expected)
    assert problem["type"].endswith(problem["code"])
