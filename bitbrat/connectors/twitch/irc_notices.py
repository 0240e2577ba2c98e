"""What happens in a channel besides talk: subscriptions and raids, cleared chats, deleted messages.

New kinds of notice appear every few months, so none is required to be known: its name, its parameters and all its tags
are handed on as they came.
"""

from __future__ import annotations

from typing import Any

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.twitch.irc_badges import badges
from bitbrat.connectors.twitch.irc_emotes import emotes
from bitbrat.connectors.twitch.irc_fields import number, other_channel, room, sender, sent, stand_in
from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.connectors.twitch.irc_message import unwrap
from bitbrat.envelope import User, format_time

NOTIFICATION = "external.chat.notification.v1"
CLEARED = "external.chat.cleared.v1"
DELETED = "external.chat.message-deleted.v1"

_PARAM = "msg-param-"


def notification(line: IrcLine) -> IncomingEvent:
    """The event of a ``USERNOTICE``: a subscription, a raid, an announcement, and whatever comes next."""
    login, text = line.tag("login"), line.text
    params = {name.removeprefix(_PARAM): value for name, value in line.tags.items() if name.startswith(_PARAM)}
    payload = {
        "noticeType": line.tag("msg-id"),
        "sourceNoticeType": line.tag("source-msg-id"),
        "messageId": line.tag("id"),
        "systemMessage": line.tag("system-msg"),
        "text": text,
        "msgParams": params,
        "color": line.tag("color"),
        "badges": badges(line.tag("badges")),
        "emotes": emotes(line.tag("emotes"), text or ""),
        "sourceChannelId": other_channel(line),
    }
    user = sender(line, login)
    return _event(line, "notice", NOTIFICATION, payload, event_id=line.tag("id"), who=user.id or login, user=user)


def cleared(line: IrcLine) -> IncomingEvent:
    """The event of a ``CLEARCHAT``: the whole chat (``clear``), one user for a while (``timeout``), one user for good (``ban``)."""
    name, user_id, duration = line.text or "", line.tag("target-user-id"), line.tag("ban-duration")
    action = "clear" if not (name or user_id) else "timeout" if duration else "ban"
    payload = {"action": action, "duration": number(duration), "targetUserId": user_id, "targetUserName": name}
    return _event(line, "cleared", CLEARED, payload, event_id="", who=user_id or name)


def deleted(line: IrcLine) -> IncomingEvent:
    """The event of a ``CLEARMSG``: one message was taken away by a moderator."""
    text, is_action = unwrap(line.text or "")
    target, login = line.tag("target-msg-id"), line.tag("login")
    payload = {"targetMessageId": target, "targetUserName": login, "text": text, "isAction": is_action}
    return _event(line, "deleted", DELETED, payload, event_id=target, who=login)


_ALWAYS = frozenset({"noticeType", "messageId", "systemMessage", "targetMessageId", "action"})
"""Fields that are there even when empty."""


def _event(
    line: IrcLine, event_class: str, event_type: str, payload: dict[str, Any], *, event_id: str, who: str, user: User | None = None
) -> IncomingEvent:
    known = {name: value for name, value in payload.items() if name in _ALWAYS or value not in (None, "")}
    time = sent(line)
    return IncomingEvent(
        event_class=event_class,
        source_event_id=event_id or stand_in(line, who, known),
        type=event_type,
        payload=known | ({"sentAt": format_time(time)} if time else {}) | {"tags": dict(line.tags)},
        channel=room(line),
        channel_id=line.tag("room-id"),
        platform="twitch",
        user=user or nobody(),
        source_time=time,
        momentary=not event_id and time is None,
    )


def nobody() -> User:
    """The user of an event whose cause Twitch does not name: chat says what was cleared, never by which moderator."""
    return User(id="", name="", display_name="", profile_image_url="", role="")
