"""The routes of ``/api/v1``, in one table: the server, the client's paths and the OpenAPI document are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bitbrat.api.events import ROLES

BASE = "/api/v1"
MAX_PAGE = 1_000
MAX_WAIT = 30.0
STATES = ("open", "replaying", "replayed", "discarded")
MODES = ("resume", "restart", "reroute")
EGRESS = ("auto", "live", "suppress")

Schema = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A route: what it is called, where it is, what it takes and what it answers. ``name`` is the operation's id."""

    name: str
    method: str
    path: str
    summary: str
    answer: str = "Object"
    status: int = 200
    query: tuple[tuple[str, Schema], ...] = ()
    body: Schema | None = None
    refusals: tuple[int, ...] = ()


def _text(**more: Any) -> Schema:
    return {"type": "string", **more}


_CURSOR = ("after", _text(description="the cursor of an earlier page"))
_LIMIT = ("limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 100})
_EVENT: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "type": _text(default="external.chat.message.v1"),
        "payload": {"type": "object"},
        "user": _text(description="display name", default="you"),
        "role": _text(enum=list(ROLES), default="viewer"),
        "channel": _text(default="my_channel"),
        "platform": _text(default="twitch"),
    },
}
_REPLAY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "mode": _text(enum=list(MODES), default="resume"),
        "egress": _text(enum=list(EGRESS), default="auto", description="auto: replies go out when the original is at most 2 minutes old"),
        "reason": _text(maxLength=500),
    },
}

CALLS: tuple[Call, ...] = (
    Call("openapi", "GET", "/openapi.json", "This document."),
    Call("status", "GET", "/status", "The process: version, services, steps, bus, store, and what is wrong with it."),
    Call(
        "messages",
        "GET",
        "/messages",
        "Messages that have ended, by the time they ended. Ask again with the cursor to follow.",
        answer="Page",
        query=(_CURSOR, _LIMIT, ("order", _text(enum=["oldest", "newest"], default="oldest"))),
        refusals=(400,),
    ),
    Call("send", "POST", "/messages", "Simulate an event.", answer="Accepted", status=202, body=_EVENT, refusals=(413, 415, 422, 503)),
    Call("message", "GET", "/messages/{id}", "The story of a message, by id, the beginning of it, or `last`.", refusals=(404,)),
    Call(
        "ended",
        "GET",
        "/messages/{id}/end",
        "The row of a message once it has ended; null when it has not within `wait` seconds.",
        query=(("wait", {"type": "number", "minimum": 0, "maximum": MAX_WAIT, "default": 0}),),
        answer="Ended",
    ),
    Call(
        "failures",
        "GET",
        "/failures",
        "Failed and dead-lettered messages, newest first.",
        answer="Page",
        query=(("group", _text()), ("state", _text(enum=list(STATES))), _CURSOR, _LIMIT),
        refusals=(400,),
    ),
    Call("groups", "GET", "/failure-groups", "Failures by what they have in common.", answer="Rows"),
    Call("failure", "GET", "/failures/{id}", "One failure with its whole original bytes.", refusals=(404,)),
    Call(
        "replay",
        "POST",
        "/failures/{id}/replay",
        "Send a failure on its way once more.",
        status=202,
        body=_REPLAY,
        refusals=(404, 409, 422, 503),
    ),
    Call("discard", "POST", "/failures/{id}/discard", "Take a failure off the list; its record stays.", refusals=(404, 409)),
    Call("rules", "GET", "/rules", "The rules in force, in order, and what is wrong with the files.", refusals=(404,)),
    Call("rule_tests", "POST", "/rules/test", "Run the rules' own examples.", refusals=(404,)),
    Call(
        "explain_rules", "POST", "/rules/explain", "Every rule with an event, and why it matches or not.", body=_EVENT, refusals=(404, 422)
    ),
)
"""Every route of the API."""

BY_NAME = {call.name: call for call in CALLS}
