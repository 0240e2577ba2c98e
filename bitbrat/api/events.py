"""A simulated event: what ``bitbrat say`` and ``bitbrat send`` put in at the door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bitbrat.envelope import User

CHAT = "external.chat.message.v1"
ROLES = ("viewer", "subscriber", "vip", "moderator", "broadcaster")
_TYPE = re.compile(r"external\.[A-Za-z0-9_.-]{1,200}\.v[A-Za-z0-9_-]{1,20}\Z")
_MAX_NAME = 100


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event that nobody sent: it takes the same way as a real one, is marked as simulated, and says nothing outside.

    ``role`` is the highest chat role of ``user`` (a display name). ``payload`` is the event's own JSON.
    """

    type: str = CHAT
    payload: Mapping[str, Any] = field(default_factory=dict)
    user: str = "you"
    role: str = "viewer"
    channel: str = "my_channel"
    platform: str = "twitch"

    @classmethod
    def said(cls, text: str, *, user: str = "you", role: str = "viewer") -> NewEvent:
        """A chat message."""
        return cls(payload=chat_payload(text, role), user=user, role=role)

    def sender(self) -> User:
        """The user as the platform's badges would have it. The same name is the same user every time."""
        from bitbrat.envelope import User  # only where the event is made: whoever sends it over HTTP needs no models

        name = self.user.lower()
        roles = (self.role,) if self.role != "viewer" else ()
        return User(id=f"sim-{name}", name=name, display_name=self.user, profile_image_url="", role=self.role, roles=roles)

    def to_json(self) -> dict[str, Any]:
        """As the API takes it."""
        return {**vars(self), "payload": dict(self.payload)}


def chat_payload(text: str, role: str) -> dict[str, Any]:
    """A chat message's payload, with the fields that every one of them has."""
    badges = [[role, "1"]] if role != "viewer" else []
    return {"text": text, "messageId": "", "isAction": False, "badges": badges, "emotes": []}


def read_event(body: object) -> tuple[NewEvent | None, list[dict[str, str]]]:
    """The event in a JSON body, or everything that is wrong with it, each with the pointer to its field."""
    if not isinstance(body, Mapping):
        return None, [_wrong("", "the body is not a JSON object", 'send {"type": …, "payload": {…}}')]
    errors = [_wrong(f"/{name}", "there is no such field", f"one of {', '.join(_FIELDS)}") for name in body if name not in _FIELDS]
    errors += [problem for name in _FIELDS if name in body and (problem := _field(name, body[name]))]
    return (None, errors) if errors else (NewEvent(**body), [])


_FIELDS = ("type", "payload", "user", "role", "channel", "platform")


def _field(name: str, value: object) -> dict[str, str] | None:
    pointer = f"/{name}"
    if name == "payload":
        return None if isinstance(value, Mapping) else _wrong(pointer, "not a JSON object", "send an object")
    if not isinstance(value, str) or len(value) > 4 * _MAX_NAME:
        return _wrong(pointer, "not a text, or too long", "send a string")
    if name == "type":
        return None if _TYPE.match(value) else _wrong(pointer, "not an event type", "name it like external.shop.sold.v1")
    if name == "role":
        return None if value in ROLES else _wrong(pointer, "not a role", f"one of {', '.join(ROLES)}")
    fits = 0 < len(value) <= _MAX_NAME and value.isprintable()
    return None if fits else _wrong(pointer, f"not 1 to {_MAX_NAME} printable characters", "choose another name")


def _wrong(pointer: str, message: str, fix: str) -> dict[str, str]:
    return {"pointer": pointer, "message": message, "fix": fix}
