"""What a posted event may say: a type, a payload, the source's own id and its time. Everything else is not for it to say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bitbrat.envelope import parse_time

ALLOWED = ("type", "payload", "id", "time")
_TYPE = re.compile(r"external\.[A-Za-z0-9_.-]{1,200}\.v[A-Za-z0-9_-]{1,20}\Z")
_ID = re.compile(r"[!-~]{1,200}\Z")


@dataclass(frozen=True)
class Posted:
    """A posted event that is well formed. ``ignored`` are the fields that it had no business to name."""

    type: str
    payload: dict[str, Any]
    id: str
    ignored: tuple[str, ...]

    @property
    def content(self) -> bytes:
        """What the event says, whichever way the sender has spelt its JSON."""
        return json.dumps([self.type, self.payload], sort_keys=True).encode()


def read(body: object) -> tuple[Posted | None, list[dict[str, str]]]:
    """The event in a JSON body, or everything that is wrong with it, each with the pointer to its field."""
    if not isinstance(body, Mapping):
        return None, [_wrong("", "the body is not a JSON object", 'send {"type": …, "payload": {…}}')]
    errors = [*_type(body.get("type")), *_payload(body), *_id(body.get("id")), *_time(body.get("time"))]
    if errors:
        return None, errors
    payload = dict(body.get("payload") or {})
    if body.get("time") is not None:
        payload.setdefault("sentAt", body["time"])
    ignored = tuple(sorted(str(name)[:40] for name in body if name not in ALLOWED))
    return Posted(body["type"], payload, body.get("id") or "", ignored), []


def _type(value: object) -> list[dict[str, str]]:
    if not isinstance(value, str) or _TYPE.match(value) is None:
        return [_wrong("/type", "not an event type", "name it like external.shop.sold.v1")]
    return []


def _payload(body: Mapping[str, Any]) -> list[dict[str, str]]:
    if "payload" in body and not isinstance(body["payload"], dict):
        return [_wrong("/payload", "not a JSON object", "send an object")]
    return []


def _id(value: object) -> list[dict[str, str]]:
    if value is not None and (not isinstance(value, str) or _ID.match(value) is None):
        return [_wrong("/id", "not an id", "1 to 200 printable ASCII characters without spaces, as a string")]
    return []


def _time(value: object) -> list[dict[str, str]]:
    if value is None:
        return []
    try:
        parse_time(value)
    except ValueError as error:
        return [_wrong("/time", str(error), "write it as 2026-01-31T12:00:00Z")]
    return []


def _wrong(pointer: str, message: str, fix: str) -> dict[str, str]:
    return {"pointer": pointer, "message": message, "fix": fix}
