"""Chat in: lines of Twitch IRC become envelopes.

A line is done when its envelope is stored. One that cannot be stored is counted and logged: IRC does not send it again.
"""

from __future__ import annotations

import asyncio

from bitbrat import Service, ServiceContext
from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.twitch.irc_chat import to_event
from bitbrat.connectors.twitch.irc_client import IrcClient
from bitbrat.connectors.twitch.irc_line import IrcError, IrcLine
from bitbrat.errors import BitBratError, BusFull, BusUnavailable
from bitbrat.topics import egress_topic
from services.ingress_egress.settings import IngressEgressSettings, TwitchPart
from services.ingress_egress.watch import ClientLog, ConnectionWatch, refused_input

TRIES = 5
"""How often a line is offered to a bus that does not answer, before it is given up."""


def register(service: Service) -> None:
    """Give ``service`` its chat connection."""
    service.background(twitch_chat)


async def twitch_chat(ctx: ServiceContext) -> None:
    """Stay connected to Twitch chat for as long as the process lives."""
    settings: IngressEgressSettings = ctx.settings
    twitch = settings.twitch
    if not twitch.irc_url:
        return
    reader = ChatReader(ctx, twitch)
    watch = ConnectionWatch(ctx, twitch.connection)
    client = IrcClient(twitch.irc(), world=ctx.world, on_line=reader.take, on_state=watch, log=ClientLog(ctx))
    ctx.state.irc[twitch.connection] = client
    try:
        await client.run()
    finally:
        await client.stop()


class ChatReader:
    """Takes one line after the other; what comes next waits until this one is stored."""

    def __init__(self, ctx: ServiceContext, twitch: TwitchPart) -> None:
        self._ctx = ctx
        self._connection = twitch.connection

    async def take(self, line: IrcLine) -> None:
        """Ingest ``line`` if it is an event."""
        try:
            event = to_event(line)
            if event is not None:
                await self._store(event)
        except IrcError as error:
            refused_input(self._ctx, error.code)
            self._ctx.log.warning("chat line refused", code=error.code, reason=error.message)
        except BitBratError as error:
            refused_input(self._ctx, error.code)
            self._ctx.log.error("chat line lost: it could not be stored", code=error.code, reason=error.message)

    async def _store(self, event: IncomingEvent) -> None:
        for attempt in range(TRIES):
            try:
                await self._ingest(event)
            except (BusFull, BusUnavailable):
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(0.1 * 2**attempt)
            else:
                return

    async def _ingest(self, event: IncomingEvent) -> None:
        await self._ctx.ingest(
            event.source_event_id,
            event.type,
            event.payload,
            platform=event.platform,
            connection=self._connection,
            event_class=event.event_class,
            channel=event.channel,
            channel_id=event.channel_id,
            user=event.user,
            egress_destination=egress_topic(self._connection),
            momentary=event.momentary,
        )
