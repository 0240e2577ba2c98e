"""From a line of Twitch chat to the event that ingress mints. Pure: no socket, no clock.

Source: ``docs/reference/contract.md`` §5. What a line means for the connection itself (``PING``, ``RECONNECT``,
``ROOMSTATE``, the numerics) is the client's matter; here such lines are no event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.connectors.twitch.irc_message import message
from bitbrat.connectors.twitch.irc_notices import cleared, deleted, notification

EVENTS: Mapping[str, Callable[[IrcLine], IncomingEvent]] = MappingProxyType(
    {"PRIVMSG": message, "USERNOTICE": notification, "CLEARCHAT": cleared, "CLEARMSG": deleted}
)
"""The commands that are events, and what makes one of the line."""


def to_event(line: IrcLine) -> IncomingEvent | None:
    """The event of ``line``, None when it is none. Raises :class:`IrcError` (``irc.malformed``) for chat without its parts."""
    make = EVENTS.get(line.command)
    return make(line) if make else None
