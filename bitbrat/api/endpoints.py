"""The API's side of a process: each route of the table asks an operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bitbrat.api.events import read_event
from bitbrat.api.openapi import document
from bitbrat.api.operator import Operator
from bitbrat.api.table import BASE, BY_NAME, CALLS, MAX_PAGE, MAX_WAIT, STATES, Call
from bitbrat.errors import BitBratError
from bitbrat.web import Endpoint, HttpError, Invalid, check_bearer, check_host, check_origin, read_json_body

STATUS = {"cli.not_found": 404, "cli.no_rules": 404, "dlq.not_found": 404, "dlq.not_open": 409, "dlq.unreadable": 422}
"""The HTTP status of what an operator is refused; other codes have theirs already."""

BODY_LIMIT = 256 * 1024
Handler = Callable[[web.Request], Awaitable[Any]]


def endpoints(operator: Operator, token: str) -> list[Endpoint]:
    """The routes, answered by ``operator``. Who asks must know ``token``, and must not be somebody else's web page."""
    api = Api(operator)
    return [Endpoint(call.method, BASE + call.path, _guarded(call, getattr(api, call.name), token)) for call in CALLS]


def _guarded(call: Call, handler: Handler, token: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        check_host(request)
        check_origin(request)
        check_bearer(request, token)
        try:
            return web.json_response(await handler(request), status=call.status)
        except BitBratError as error:
            if error.code not in STATUS:
                raise
            raise HttpError(error.code, error.message, status=STATUS[error.code], fix=error.fix) from error

    return answer


class Api:
    """A method for each call of the table: reads the request, asks, and returns the answer as JSON."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def openapi(self, _: web.Request) -> Any:
        """The document."""
        return document()

    async def status(self, _: web.Request) -> Any:
        """The process."""
        return await self._operator.status()

    async def messages(self, request: web.Request) -> Any:
        """A page of messages."""
        newest = _choice(request, "order", ("oldest", "newest"), "oldest") == "newest"
        page = await self._operator.messages(after=_after(request), newest_first=newest, limit=_limit(request))
        return page._asdict()

    async def send(self, request: web.Request) -> Any:
        """A simulated event."""
        return {"id": await self._operator.send(await _event(request))}

    async def message(self, request: web.Request) -> Any:
        """A story."""
        return await self._operator.message(request.match_info["id"])

    async def ended(self, request: web.Request) -> Any:
        """A row, waited for."""
        return await self._operator.ended(request.match_info["id"], seconds=_number(request, "wait", 0.0, 0.0, MAX_WAIT))

    async def failures(self, request: web.Request) -> Any:
        """A page of failures."""
        state = _choice(request, "state", STATES, "")
        page = await self._operator.failures(
            group=request.query.get("group", ""), states=[state] if state else [], after=_after(request), limit=_limit(request)
        )
        return page._asdict()

    async def groups(self, _: web.Request) -> Any:
        """The groups."""
        return await self._operator.groups()

    async def failure(self, request: web.Request) -> Any:
        """One of them."""
        return await self._operator.failure(request.match_info["id"])

    async def replay(self, request: web.Request) -> Any:
        """Once more."""
        wanted = await _object(request, BY_NAME["replay"])
        return await self._operator.replay(request.match_info["id"], **wanted)

    async def discard(self, request: web.Request) -> Any:
        """Off the list."""
        return await self._operator.discard(request.match_info["id"])

    async def rules(self, _: web.Request) -> Any:
        """The rules."""
        return await self._operator.rules()

    async def rule_tests(self, _: web.Request) -> Any:
        """Their examples."""
        return await self._operator.rule_tests()

    async def explain_rules(self, request: web.Request) -> Any:
        """Why."""
        return await self._operator.explain_rules(await _event(request))


async def _event(request: web.Request) -> Any:
    body, _ = await read_json_body(request, limit=BODY_LIMIT)
    event, errors = read_event(body)
    if event is None:
        raise Invalid(errors)
    return event


async def _object(request: web.Request, call: Call) -> dict[str, str]:
    """A body of texts, as the call's schema has them; no body is an empty one."""
    if not request.can_read_body:
        return {}
    body, _ = await read_json_body(request, limit=BODY_LIMIT)
    known: Mapping[str, Any] = (call.body or {})["properties"]
    if not isinstance(body, dict):
        raise Invalid([{"pointer": "", "message": "the body is not a JSON object", "fix": "send an object"}])
    errors = [
        {"pointer": f"/{str(name)[:40]}", "message": "no such field, or not one of its values", "fix": f"fields: {', '.join(known)}"}
        for name, value in body.items()
        if name not in known or not isinstance(value, str) or len(value) > 500 or value not in known[name].get("enum", [value])
    ]
    if errors:
        raise Invalid(errors)
    return body


def _after(request: web.Request) -> str:
    return request.query.get("after", "")


def _limit(request: web.Request) -> int:
    return int(_number(request, "limit", 100, 1, MAX_PAGE))


def _number(request: web.Request, name: str, default: float, least: float, most: float) -> float:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise HttpError("http.bad_request", f"{name} is a number from {least:g} to {most:g}")
    return value


def _choice(request: web.Request, name: str, choices: tuple[str, ...], default: str) -> str:
    value = request.query.get(name, default)
    if value != default and value not in choices:
        raise HttpError("http.bad_request", f"{name} is one of {', '.join(choices)}")
    return value
