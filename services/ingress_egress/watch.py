"""What a chat connection tells about itself, as log lines and metrics."""

from __future__ import annotations

from bitbrat import ServiceContext
from bitbrat.connectors.twitch.irc_config import IrcStatus
from bitbrat.telemetry import names

PLATFORM = "twitch"
INPUTS = ("irc.malformed", "irc.line_too_long", "irc.line_refused", "irc.lines_dropped", "irc.ping_flood")
"""Codes of lines that did not come in; the others are about the connection."""


def refused_input(ctx: ServiceContext, code: str) -> None:
    """Count a line that was refused or lost."""
    ctx.count(names.BAD_INPUT, entry="irc", code=code)


class ConnectionWatch:
    """Told of every change of one connection's state."""

    def __init__(self, ctx: ServiceContext, slot: str) -> None:
        self._ctx = ctx
        self._slot = slot
        self._last: tuple[str, str] = ("", "")

    def __call__(self, status: IrcStatus) -> None:
        """Set the gauge; write a line when state or cause are others than before."""
        self._ctx.gauge(names.CONNECTION_STATE, names.CONNECTION_STATES.get(status.state, -1), platform=PLATFORM, slot=self._slot)
        if (status.state, status.cause) == self._last:
            return
        self._last = (status.state, status.cause)
        good = status.state in ("online", "connecting", "stopped")
        say = self._ctx.log.info if good else self._ctx.log.warning
        say("connection", platform=PLATFORM, slot=self._slot, state=status.state, code=status.code, cause=status.cause)


class ClientLog:
    """The client's logger: the service's own, with the lines counted that did not come in."""

    def __init__(self, ctx: ServiceContext) -> None:
        self._ctx = ctx

    def debug(self, event: str, **fields: object) -> None:
        """Of use while looking for a fault: not written here."""

    def info(self, event: str, **fields: object) -> None:
        """The normal course."""
        self._ctx.log.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something to look at."""
        self._count(event)
        self._ctx.log.warning(event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """Something failed."""
        self._count(event)
        self._ctx.log.error(event, **fields)

    def _count(self, event: str) -> None:
        if event in INPUTS:
            refused_input(self._ctx, event)
