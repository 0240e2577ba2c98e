"""What chat payloads hold, as models: the source of their JSON Schemas, and a typed view for who wants one.

Connectors write payloads as plain JSON and nothing validates them on the way; fields that nobody declared are kept.
Source: ``docs/reference/contract.md`` §5.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from bitbrat.envelope import Time, Value

Badge = Annotated[list[str], Field(min_length=2, max_length=2)]
"""Name and version; the version is ``""`` when the badge has none."""


class Emote(Value):
    """An emote's place in the text: code points, ``end`` inclusive."""

    id: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    text: str


class ReplyTo(Value):
    """The message that this one answers."""

    parent_message_id: str
    parent_user_id: str | None = None
    parent_user_name: str | None = None
    parent_text: str | None = None


class ChatMessage(Value):
    """Somebody said something. ``message_id`` is ``""`` when the platform gave none."""

    text: str
    message_id: str
    is_action: bool
    badges: list[Badge]
    emotes: list[Emote]
    sent_at: Time | None = None
    bits: int | None = None
    color: str | None = None
    reply: ReplyTo | None = None
    custom_reward_id: str | None = None
    source_channel_id: str | None = None
    first_message: bool | None = None


class Notification(Value):
    """A subscription, a raid, an announcement, or a kind that is newer than this model: all tags are in ``tags``."""

    notice_type: str
    message_id: str
    system_message: str
    msg_params: dict[str, str]
    badges: list[Badge]
    emotes: list[Emote]
    tags: dict[str, str]
    text: str | None = None
    color: str | None = None
    sent_at: Time | None = None
    source_notice_type: str | None = None
    source_channel_id: str | None = None


class Cleared(Value):
    """The chat was cleared, or one user's messages were: for ``duration`` seconds (timeout) or for good (ban)."""

    action: Literal["clear", "timeout", "ban"]
    tags: dict[str, str]
    duration: int | None = None
    target_user_id: str | None = None
    target_user_name: str | None = None
    sent_at: Time | None = None


class MessageDeleted(Value):
    """One message was taken away by a moderator."""

    target_message_id: str
    is_action: bool
    tags: dict[str, str]
    text: str | None = None
    target_user_name: str | None = None
    sent_at: Time | None = None


PAYLOADS: Mapping[str, type[Value]] = MappingProxyType(
    {
        "external.chat.message.v1": ChatMessage,
        "external.chat.notification.v1": Notification,
        "external.chat.cleared.v1": Cleared,
        "external.chat.message-deleted.v1": MessageDeleted,
    }
)
"""The model of each payload, by event type."""
