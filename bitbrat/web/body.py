"""Reading a request's body: JSON only, within the limit, with the same refusals as bytes on the bus."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from aiohttp import web

from bitbrat.codec import parse_json
from bitbrat.web.guard import too_large
from bitbrat.web.problems import HttpError
from bitbrat.web.shell import SHELL

_JSON_TYPE = re.compile(r'application/json(\s*;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*', re.IGNORECASE)


class JsonBody(NamedTuple):
    """A body's JSON value, and the bytes as they came."""

    value: Any
    raw: bytes


async def read_json_body(request: web.Request, *, limit: int | None = None, any_value: bool = False) -> JsonBody:
    """The JSON object in the body, at most ``limit`` bytes (default: the process's limit; more never comes this far).

    ``any_value`` takes arrays, strings and the like as well. Raises ``http.unsupported_media``, ``envelope.too_large``,
    ``http.timeout``, ``envelope.not_object``, and for what is not JSON the codes of :func:`bitbrat.codec.parse_json`.
    """
    if _JSON_TYPE.fullmatch(request.headers.get("Content-Type", "")) is None:
        raise HttpError("http.unsupported_media", "send Content-Type: application/json, in UTF-8")
    limit = request.app[SHELL].limits.body if limit is None else limit
    raw = await read_body(request, limit=limit)
    value = parse_json(raw, limit=limit)
    if not any_value and not isinstance(value, dict):
        raise HttpError("envelope.not_object", "the JSON in the body is not an object")
    return JsonBody(value, raw)


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """The body, refused as soon as it is known to be larger than ``limit`` bytes. Raises :class:`HttpError`."""
    if request.content_length is not None and request.content_length > limit:
        raise too_large(limit)
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise too_large(limit)
    return bytes(data)
