"""Egress: each reply leaves once, and what became of it is written on it.

A reply whose fate is unknown is not sent again: Twitch takes no idempotency key, and a doubled chat message is worse than
a missing one. A connection that is down pauses its own egress topic; nothing is used up by waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitbrat import Context, Envelope, Reply, Service, StepFailed, Unavailable
from bitbrat.connectors.twitch.irc_client import IrcClient
from bitbrat.connectors.twitch.irc_outbox import Turn
from bitbrat.envelope import Delivered, StepError, parse_time
from bitbrat.errors import ConfigError, ConnectorError
from bitbrat.telemetry import names
from bitbrat.topics import EGRESS, egress_topic
from services.ingress_egress.settings import IngressEgressSettings

WAIT_FOR_A_TURN = 3600.0
"""Seconds a reply may wait for its turn under Twitch's send limits; its deadline is checked before it is written."""
PARKED = {
    "needs_signin": "the account has to sign in again: set a fresh BITBRAT_TWITCH__TOKEN and restart",
    "config_error": "Twitch cannot read the login: correct BITBRAT_TWITCH__NICK and BITBRAT_TWITCH__TOKEN and restart",
}
"""States that no waiting ends, and what a person can do about each."""


def register(service: Service) -> None:
    """Give ``service`` its egress consumer."""
    service.consumer(topics, role="egress", timeout=WAIT_FOR_A_TURN, concurrency=32)(deliver)


def topics(settings: IngressEgressSettings | None) -> tuple[str, ...]:
    """The common egress topic, and one for each configured connection."""
    return (EGRESS, egress_topic(settings.twitch.connection)) if settings is not None and settings.twitch.irc_url else (EGRESS,)


async def deliver(envelope: Envelope, ctx: Context) -> Envelope:
    """Send what has not been delivered yet, in order."""
    replies = [
        reply if reply.delivered is not None else reply.but(delivered=await _counted(envelope, index, reply, ctx))
        for index, reply in enumerate(envelope.replies)
    ]
    return envelope.but(replies=tuple(replies)) if replies else envelope


async def _counted(envelope: Envelope, index: int, reply: Reply, ctx: Context) -> Delivered:
    delivered = await settle(envelope, index, reply, ctx)
    result = delivered.error.code if delivered.error is not None else "simulated" if envelope.simulated else "sent"
    ctx.count(names.EGRESS_SENT, platform=envelope.source.platform, result=result)
    if delivered.error is not None:
        ctx.log.warning("reply not sent", envelope_id=envelope.id, code=result, reason=delivered.error.message)
    return delivered


async def settle(envelope: Envelope, index: int, reply: Reply, ctx: Context) -> Delivered:
    """Send one reply at most once, and say what became of it. Raises ``Unavailable`` while its connection is being made."""
    if envelope.simulated:
        return Delivered(at=ctx.now(), provider_id="simulated")
    if envelope.deadline is not None and ctx.now() > envelope.deadline:
        return _not(ctx, "egress.too_late", "the deadline has passed")
    if reply.kind not in ("chat", "action") or not reply.text:
        return _not(ctx, "egress.not_sent", f"a reply of kind {reply.kind} cannot be sent over chat")
    slot = envelope.source.connection_id or ""
    client = ctx.state.irc.get(slot) if ctx.state is not None else None
    if client is None:
        return _not(ctx, "egress.not_sent", f"this process has no connection {slot!r}")
    if client.status.state in PARKED:
        return _not(ctx, "egress.not_sent", PARKED[client.status.state])
    return await _send(envelope, index, reply, ctx, client)


async def _send(envelope: Envelope, index: int, reply: Reply, ctx: Context, client: IrcClient) -> Delivered:
    """In its turn. That something is written is noted down only then: whatever ends before has written nothing."""
    try:
        async with client.turn(envelope.source.channel, deadline=envelope.deadline) as turn:
            return await _once(envelope, index, reply, ctx, turn)
    except ConfigError as error:
        return _not(ctx, "egress.not_sent", error.message)
    except ConnectorError as error:
        if error.code != "egress.not_sent" or client.config.token is None or not _waits(envelope):
            return _not(ctx, error.code, error.message)
        if client.status.state in PARKED:
            return _not(ctx, "egress.not_sent", PARKED[client.status.state])
        raise Unavailable("twitch chat", f"{error.message}; it is {client.status.state}", code="egress.not_sent") from error


def _waits(envelope: Envelope) -> bool:
    """Whether only replies of the same connection wait behind this one."""
    return envelope.source.egress_destination == egress_topic(envelope.source.connection_id or "")


async def _once(envelope: Envelope, index: int, reply: Reply, ctx: Context, turn: Turn) -> Delivered:
    async def call() -> Mapping[str, Any]:
        return await _say(reply, ctx, turn)

    try:
        result = await ctx.once(f"{envelope.id}#{index}", call)
    except StepFailed as error:
        if error.retryable:
            raise ConnectorError(error.code, error.message) from error
        return _not(ctx, "egress.unknown_outcome" if error.code == "step.unknown_outcome" else error.code, error.message)
    at = parse_time(result["at"])
    return Delivered(at=at, error=StepError(code=result["code"], message=result["message"])) if result.get("code") else Delivered(at=at)


async def _say(reply: Reply, ctx: Context, turn: Turn) -> Mapping[str, Any]:
    """Write it to the connection. A ``StepFailed`` that is retryable says that not a byte was written."""
    try:
        sent = await turn.send(reply.text or "", reply_to=reply.reply_to or "", action=reply.kind == "action")
    except ConnectorError as error:
        raise StepFailed(error.code, error.message, retryable=error.code == "egress.not_sent") from error
    told = {"at": ctx.now().isoformat()}
    return told if sent.sent else {**told, "code": sent.code, "message": f"{sent.notice} {sent.message}".strip()}


def _not(ctx: Context, code: str, message: str) -> Delivered:
    return Delivered(at=ctx.now(), error=StepError(code=code, message=message))
