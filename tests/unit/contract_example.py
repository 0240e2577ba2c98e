"""The contract's own example envelope, as it stands on the page, and short ways to break it."""

import copy
import json
from collections.abc import Callable
from typing import Any

EXAMPLE = """{
  "v": "1",
  "id": "1234567890",
  "correlationId": "1234567890",
  "traceId": "fd89j34saf",
  "timestamp": "2022-01-01T00:00:00.000Z",
  "type": "external.chat.message.v1",
  "source": {
    "platform": "twitch",
    "channel": "my_channel",
    "channelId": "424325252",
    "egressDestination": "internal.egress1.v1"
  },
  "user": {
    "id": "1234567890",
    "name": "an_admin_user",
    "displayName": "An Admin User",
    "profileImageUrl": "https://my_image.png",
    "role": "admin"
  },
  "routingSlip": [
    { "id": "service1", "status": "PENDING", "destination": "internal.service1.v1" },
    { "id": "service2", "status": "PENDING", "destination": "internal.service2.v1" },
    { "id": "service3", "status": "PENDING", "destination": "internal.service3.v1" }
  ],
  "finalizationDestination": "internal.finalizer.v1",
  "payload": {
    "text": "Hello World!"
  }
}
"""


def example() -> dict[str, Any]:
    """The example as a JSON object of one's own."""
    value: dict[str, Any] = json.loads(EXAMPLE)
    return value


def full() -> dict[str, Any]:
    """An envelope with every field of the contract, and a field that nobody declared at every depth."""
    value = example()
    value["timestamp"] = "2022-01-01T00:00:00Z"
    value["future"] = {"deep": [{"x": None}]}
    value["source"] |= {"connectionId": "twitch", "future": 1}
    value["user"] |= {"roles": ["admin"], "permissions": ["a.b"], "tags": [], "future": False}
    step = {
        "id": "service0", "v": "2", "status": "ERROR", "attempt": 1, "maxAttempts": 5, "destination": "internal.service0.v1",
        "attributes": {"traceparent": "x", "future": "y"}, "startedAt": "2022-01-01T00:00:01Z", "endedAt": "2022-01-01T00:00:02.500000Z",
        "error": {"code": "x.y", "message": "m", "retryable": True, "future": "z"}, "notes": "{}", "future": [],
    }  # fmt: skip
    value["routingSlip"] = [step, {**step, "id": "ok", "status": "OK", "error": None}]
    value["replies"] = [
        {"kind": "chat", "text": "hi", "replyTo": "m1", "data": {"a": 1}, "by": "s", "future": 1,
         "delivered": {"at": "2022-01-01T00:00:03Z", "providerId": "p", "error": {"code": "x.y", "future": 2}, "future": 3}},
    ]  # fmt: skip
    value["annotations"] = [{"kind": "mood", "label": "l", "value": None, "score": 0.5, "by": "s", "data": {}, "future": {}}]
    value["trail"] = [{"service": "auth", "startedAt": "2022-01-01T00:00:00Z", "endedAt": "2022-01-01T00:00:00Z", "future": ""}]
    value |= {"status": "FAILED", "deadline": "2022-01-01T00:01:00Z", "tenantId": "t", "simulated": True, "replayOf": "0"}
    return value


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example with one place set to ``value``: ``routingSlip.0.attempt``."""
    return _at(path, lambda place, key: place.__setitem__(key, value))


def lacking(path: str) -> dict[str, Any]:
    """The example without one place."""
    return _at(path, lambda place, key: place.__delitem__(key))


def _at(path: str, act: Callable[[Any, Any], None]) -> dict[str, Any]:
    whole = copy.deepcopy(example())
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = whole
    for part in parents:
        place = place[part]
    act(place, last)
    return whole


def to_bytes(value: Any) -> bytes:
    """JSON, compact, as it travels."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def nested(depth: int) -> dict[str, Any]:
    """The example with a payload that makes the whole JSON ``depth`` deep."""
    value: Any = {}
    for _ in range(depth - 2):
        value = {"d": value}
    return changed("payload", value)
