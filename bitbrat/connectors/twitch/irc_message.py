"""A chat message: ``PRIVMSG``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.twitch.irc_badges import badges
from bitbrat.connectors.twitch.irc_emotes import emotes
from bitbrat.connectors.twitch.irc_fields import number, other_channel, room, sender, sent, stand_in
from bitbrat.connectors.twitch.irc_line import IrcError, IrcLine
from bitbrat.envelope import format_time

CHAT = "external.chat.message.v1"

_ACTION = "\x01ACTION"


def message(line: IrcLine) -> IncomingEvent:
    """The event of a chat message. Raises ``irc.malformed`` when channel, sender or text is missing; nothing else is needed."""
    channel, text, message_id, time = room(line), line.text, line.tag("id"), sent(line)
    if not line.nick:
        raise IrcError("irc.malformed", "the message has no sender")
    if text is None:
        raise IrcError("irc.malformed", "the message has no text")
    return IncomingEvent(
        event_class="chat",
        source_event_id=message_id or stand_in(line, line.tag("user-id") or line.nick, text),
        type=CHAT,
        payload=_payload(line, text, time),
        channel=channel,
        channel_id=line.tag("room-id"),
        platform="twitch",
        user=sender(line, line.nick),
        source_time=time,
        momentary=not message_id and time is None,
    )


def unwrap(text: str) -> tuple[str, bool]:
    r"""The words of ``\x01ACTION words\x01``, and whether it was one. The closing ``\x01`` may be missing."""
    if not text.startswith(_ACTION) or text[len(_ACTION) : len(_ACTION) + 1] not in ("", " ", "\x01"):
        return text, False
    return text[len(_ACTION) :].removeprefix(" ").removesuffix("\x01"), True


def _payload(line: IrcLine, sent_text: str, time: datetime | None) -> dict[str, Any]:
    text, is_action = unwrap(sent_text)
    optional = {
        "sentAt": format_time(time) if time else None,
        "bits": number(line.tag("bits")),
        "color": line.tag("color"),
        "reply": _reply(line),
        "customRewardId": line.tag("custom-reward-id"),
        "sourceChannelId": other_channel(line),
        "firstMessage": line.tag("first-msg") == "1" if line.tag("first-msg") else None,
    }
    return {
        "text": text,
        "messageId": line.tag("id"),
        "isAction": is_action,
        "badges": badges(line.tag("badges")),
        "emotes": emotes(line.tag("emotes"), text),
    } | {name: value for name, value in optional.items() if value not in (None, "", {})}


def _reply(line: IrcLine) -> dict[str, str]:
    if not line.tag("reply-parent-msg-id"):
        return {}
    parent = {
        "parentMessageId": line.tag("reply-parent-msg-id"),
        "parentUserId": line.tag("reply-parent-user-id"),
        "parentUserName": line.tag("reply-parent-user-login"),
        "parentText": line.tag("reply-parent-msg-body"),
    }
    return {name: value for name, value in parent.items() if value}
