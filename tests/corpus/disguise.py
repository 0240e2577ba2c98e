"""A recorded line in disguise: other names, ids and words, other tag order, other case. What it means stays the same."""

from __future__ import annotations

import random
import string
from typing import Any

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.twitch.irc_line import IrcLine, Prefix, escape

_NAMES = {"id", "login", "display-name", "room-id", "user-id", "source-id", "client-nonce", "system-msg", "custom-reward-id"}
_FAMILIES = ("reply-", "msg-param-", "target-", "source-room-")
_ACTION = "\x01ACTION"
_WORDS = ("text", "messageId", "customRewardId", "sourceChannelId", "systemMessage", "targetUserId", "targetUserName", "targetMessageId")
_TURNED = str.maketrans(
    string.ascii_lowercase + string.ascii_uppercase + string.digits,
    string.ascii_uppercase[1:] + "A" + string.ascii_lowercase[1:] + "a" + string.digits[1:] + "0",
)


def renamed(text: str) -> str:
    """Each letter is the next one in the other case, each digit the next one; length and other characters stay."""
    return text.translate(_TURNED)


def disguised(line: IrcLine) -> IrcLine:
    """The line as it would be with everything renamed that is a name, an id or words."""
    prefix = line.prefix and Prefix(
        *(part if part is None else renamed(part) for part in (line.prefix.nick, line.prefix.user, line.prefix.host))
    )
    return IrcLine(_tags(line), prefix, line.command, tuple(_parameter(param) for param in line.params))


def written(line: IrcLine, chance: random.Random) -> str:
    """The line as raw text: tags in any order, the command in any case, the last parameter with or without colon."""
    tags = [f"{name}={escape(value)}" if value or chance.random() < 0.5 else name for name, value in line.tags.items()]
    chance.shuffle(tags)
    *middles, last = line.params or ("",)
    colon = ":" if not last or last.startswith(":") or " " in last or chance.random() < 0.5 else ""
    trailing = [colon + last] if line.params else []
    command = "".join(chance.choice((letter, letter.lower())) for letter in line.command)
    return " ".join([*(["@" + ";".join(tags)] if tags else []), *_prefix(line.prefix), command, *middles, *trailing])


def expected(event: IncomingEvent) -> dict[str, Any]:
    """What the event of the disguised line must be, made from the event of the recorded one."""
    payload = {name: renamed(value) if name in _WORDS else value for name, value in event.payload.items()}
    for name in {"reply", "msgParams"} & set(payload):
        payload[name] = {key: renamed(value) for key, value in payload[name].items()}
    if "emotes" in payload:
        payload["emotes"] = [emote | {"text": renamed(emote["text"])} for emote in payload["emotes"]]
    if "tags" in payload:
        payload["tags"] = {name: renamed(value) if _is_name(name) else value for name, value in payload["tags"].items()}
    user = {name: renamed(value) if name in ("id", "name", "displayName") else value for name, value in event.user.to_wire().items()}
    return {
        "channel": renamed(event.channel),
        "channel_id": renamed(event.channel_id),
        "type": event.type,
        "user": user,
        "payload": payload,
    }


def described(event: IncomingEvent) -> dict[str, Any]:
    """An event in the same shape as :func:`expected`."""
    return {
        "channel": event.channel,
        "channel_id": event.channel_id,
        "type": event.type,
        "user": event.user.to_wire(),
        "payload": dict(event.payload),
    }


def _is_name(tag: str) -> bool:
    return tag in _NAMES or tag.startswith(_FAMILIES)


def _tags(line: IrcLine) -> dict[str, str]:
    return {name: renamed(value) if _is_name(name) else value for name, value in line.tags.items()}


def _parameter(param: str) -> str:
    return _ACTION + renamed(param.removeprefix(_ACTION)) if param.startswith(_ACTION) else renamed(param)


def _prefix(prefix: Prefix | None) -> list[str]:
    if prefix is None:
        return []
    if prefix.nick is None and prefix.user is None:
        return [f":{prefix.host}"]
    user, host = ("" if part is None else sign + part for sign, part in (("!", prefix.user), ("@", prefix.host)))
    return [f":{prefix.nick}{user}{host}"]
