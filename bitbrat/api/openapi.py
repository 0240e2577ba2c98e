"""The OpenAPI 3.1 document of the API, made from the table of routes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from bitbrat import __version__
from bitbrat.api.table import BASE, CALLS, Call

PROBLEM = "application/problem+json"

_ROW: dict[str, Any] = {
    "type": "object",
    "description": "a message that has ended, or that waits for its reply (`pending_reply`)",
    "required": ["id", "outcome", "at", "state"],
    "properties": {
        "id": {"type": "string"},
        "correlationId": {"type": "string"},
        "type": {"type": "string"},
        "outcome": {"enum": ["completed", "handled", "failed", "dead_lettered", "pending_reply"]},
        "state": {"enum": ["open", "replaying", "replayed", "discarded"]},
        "at": {"type": "string", "format": "date-time"},
        "code": {"type": "string"},
        "group": {"type": "string"},
    },
}
SCHEMAS: dict[str, Any] = {
    "Object": {"type": "object"},
    "Row": _ROW,
    "Rows": {"type": "array", "items": {"type": "object"}},
    "Ended": {"anyOf": [{"$ref": "#/components/schemas/Row"}, {"type": "null"}]},
    "Page": {
        "type": "object",
        "required": ["rows", "cursor"],
        "properties": {"rows": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}, "cursor": {"type": "string"}},
    },
    "Accepted": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
    "Problem": {
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
    },
}


def document(calls: Iterable[Call] = CALLS) -> dict[str, Any]:
    """The document; every call is in it."""
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(BASE + call.path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {"title": "BitBrat", "version": __version__, "description": "What an operator can ask a running platform. Loopback only."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(call: Call) -> dict[str, Any]:
    named = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"{(\w+)}", call.path)]
    asked = [{"name": name, "in": "query", "schema": schema} for name, schema in call.query]
    body = {"requestBody": {"content": {"application/json": {"schema": call.body}}}} if call.body is not None else {}
    return {
        "operationId": call.name,
        "summary": call.summary,
        **({"parameters": [*named, *asked]} if named or asked else {}),
        **body,
        "responses": {str(call.status): _answer(call), **{str(status): _refusal(status) for status in (401, 403, *call.refusals)}},
    }


def _answer(call: Call) -> dict[str, Any]:
    return {
        "description": HTTPStatus(call.status).phrase,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{call.answer}"}}},
    }


def _refusal(status: int) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
