"""A chat to play: raw IRC lines, and which of them should become messages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.mint import MOMENT, event_name
from bitbrat.connectors.twitch.irc_chat import to_event
from bitbrat.connectors.twitch.irc_line import IrcError, IrcLine, parse_line
from bitbrat.world import RealWorld, World, named_id

CONNECTION = "twitch"
MARGIN = 5.0
"""Seconds within which a line that was sent is read, also where the machine is busy."""


@dataclass(frozen=True)
class Line:
    """One line: as it is sent, and what it is: a message of ``identity``, something ignored, or refused with a code.

    ``momentary``: it has neither id nor time, so that its identity depends on when it is said.
    """

    raw: str
    who: str
    text: str
    identity: str = ""
    refused: str = ""
    momentary: bool = False


@dataclass(frozen=True)
class Script:
    """The lines, the channels they are in, and each expected message with the line that says it."""

    lines: tuple[Line, ...]
    channels: tuple[str, ...]
    expected: dict[str, Line]

    async def moment(self, line: Line) -> None:
        """Wait, if ``line`` is of a moment, until it will not be taken for one of the next; then expect it under its id."""
        if not line.momentary:
            return
        world = RealWorld()
        left = MOMENT - world.now().timestamp() % MOMENT
        if left < MARGIN:
            await asyncio.sleep(left)
        event = to_event(parse_line(line.raw))
        if event is not None:
            self.expected[_identity(event, world)] = line


def read_script(path: Path) -> Script:
    """The script in a file of raw IRC lines. Lines that begin with ``# `` and empty lines are left out."""
    text = path.read_bytes().decode("utf-8", "replace")
    lines = [_line(raw.rstrip("\r")) for raw in text.split("\n") if raw.strip() and not raw.startswith("# ")]
    channels = dict.fromkeys(channel for line in lines if (channel := _channel(line.raw)))
    expected = {line.identity: line for line in lines if line.identity and not line.momentary}
    return Script(tuple(lines), tuple(channels) or ("bitbrat_demo",), expected)


def _line(raw: str) -> Line:
    try:
        line = parse_line(raw)
        event = to_event(line)
    except IrcError as error:
        return Line(raw, "", raw, refused=error.code)
    if event is None:
        return Line(raw, "", line.command)
    who = event.user.display_name or event.user.name or "twitch"
    return Line(raw, who, _said(line, event.payload), _identity(event, RealWorld()), momentary=event.momentary)


def _identity(event: IncomingEvent, world: World) -> str:
    return named_id(event_name(event, CONNECTION, world.now()))


def _said(line: IrcLine, payload: dict[str, object]) -> str:
    text = payload.get("text") or payload.get("systemMessage") or ""
    return str(text) if line.command == "PRIVMSG" else f"[{line.command}] {text}".strip()


def _channel(raw: str) -> str:
    try:
        return parse_line(raw).channel.lower()
    except IrcError:
        return ""
