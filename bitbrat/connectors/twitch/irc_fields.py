"""What several kinds of Twitch line share: the room, the sender, times, numbers, a stand-in for a missing id."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

from bitbrat.connectors.twitch.irc_badges import highest, roles
from bitbrat.connectors.twitch.irc_line import IrcError, IrcLine
from bitbrat.envelope import User

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?[0-9]{1,15}")


def room(line: IrcLine) -> str:
    """The channel that the line is about. Raises ``irc.malformed`` when it names none."""
    if not line.channel:
        raise IrcError("irc.malformed", f"the {line.command} names no #channel")
    return line.channel


def number(raw: str) -> int | None:
    """A whole number in ASCII digits, None for anything else."""
    return int(raw) if _NUMBER.fullmatch(raw) else None


def sent(line: IrcLine) -> datetime | None:
    """The server's time of the line (``tmi-sent-ts``, milliseconds), None when there is none that can be."""
    milliseconds = number(line.tag("tmi-sent-ts"))
    try:
        return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def sender(line: IrcLine, login: str) -> User:
    """Who sent it. A missing id stays ``""``: a login can change hands, so it never stands in for one."""
    held = roles(line)
    known = {"roles": held} if held else {}
    display_name = line.tag("display-name").strip() or login
    return User(id=line.tag("user-id"), name=login, display_name=display_name, profile_image_url="", role=highest(held), **known)


def stand_in(line: IrcLine, who: str, what: object) -> str:
    """An id for a line that has none, from room, user, time and words (JSON): the same line again has the same one."""
    parts = [line.command, line.tag("room-id") or line.channel, who, line.tag("tmi-sent-ts"), what]
    return "~" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


def other_channel(line: IrcLine) -> str:
    """The id of the channel that a shared-chat line really comes from, ``""`` when it is this one."""
    source = line.tag("source-room-id")
    return "" if source == line.tag("room-id") else source
