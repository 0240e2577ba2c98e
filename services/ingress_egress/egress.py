"""Egress: each reply leaves once, and what became of it is written on it.

A reply whose fate is unknown is not sent again: Twitch takes no idempotency key, and a doubled chat message is worse than
a missing one. A connection that is down pauses its own egress topic; nothing is used up by waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitbrat import Context, Envelope, Reply, Service, StepFailed, Unavailable
from bitbrat.connectors.twitch.irc_client import IrcClient
from bitbrat.envelope import Delivered, StepError, parse_time
from bitbrat.errors import ConnectorError
from bitbrat.topics import EGRESS, egress_topic
from services.ingress_egress.settings import IngressEgressSettings

WAIT_FOR_A_TURN = 3600.0
"""Seconds a reply may wait for its turn under Twitch's send limits; its deadline is checked before it is written."""
OFFLINE = ("connecting", "reconnecting", "stopped")


def register(service: Service) -> None:
    """Give ``service`` its egress consumer."""
    service.consumer(topics, role="egress", timeout=WAIT_FOR_A_TURN, concurrency=32)(deliver)


def topics(settings: IngressEgressSettings | None) -> tuple[str, ...]:
    """The common egress topic, and one for each configured connection."""
    return (EGRESS, egress_topic(settings.twitch.connection)) if settings is not None and settings.twitch.irc_url else (EGRESS,)


async def deliver(envelope: Envelope, ctx: Context) -> Envelope:
    """Send what has not been delivered yet, in order."""
    replies = [
        reply if reply.delivered is not None else reply.but(delivered=await settle(envelope, index, reply, ctx))
        for index, reply in enumerate(envelope.replies)
    ]
    return envelope.but(replies=tuple(replies)) if replies else envelope


async def settle(envelope: Envelope, index: int, reply: Reply, ctx: Context) -> Delivered:
    """Send one reply at most once, and say what became of it."""
    if envelope.simulated:
        return Delivered(at=ctx.now(), provider_id="simulated")
    if envelope.deadline is not None and ctx.now() > envelope.deadline:
        return _not(ctx, "egress.too_late", "the deadline has passed")
    if reply.kind not in ("chat", "action") or not reply.text:
        return _not(ctx, "egress.not_sent", f"a reply of kind {reply.kind} cannot be sent over chat")
    client = ctx.state.irc.get(envelope.source.connection_id) if ctx.state is not None else None
    if client is None:
        return _not(ctx, "egress.not_sent", f"this process has no connection {envelope.source.connection_id!r}")
    _ready(client)
    return await _once(envelope, index, reply, ctx, client)


def _ready(client: IrcClient) -> None:
    """Raises ``Unavailable`` while the connection is being made; one that needs a person is not waited for."""
    if client.status.state in OFFLINE:
        raise Unavailable("twitch chat", f"the connection is {client.status.state}", code="egress.not_sent")


async def _once(envelope: Envelope, index: int, reply: Reply, ctx: Context, client: IrcClient) -> Delivered:
    async def call() -> Mapping[str, Any]:
        return await _say(envelope, reply, ctx, client)

    try:
        result = await ctx.once(f"{envelope.id}#{index}", call)
    except StepFailed as error:
        if error.retryable:
            raise Unavailable("twitch chat", error.message, code="egress.not_sent") from error
        code = "egress.unknown_outcome" if error.code == "step.unknown_outcome" else error.code
        return _not(ctx, code, error.message)
    at = parse_time(result["at"])
    return Delivered(at=at, error=StepError(code=result["code"], message=result["message"])) if result.get("code") else Delivered(at=at)


async def _say(envelope: Envelope, reply: Reply, ctx: Context, client: IrcClient) -> Mapping[str, Any]:
    """Write it to the connection. A ``StepFailed`` that is retryable says that not a byte was written."""
    try:
        sent = await client.send(envelope.source.channel, reply.text or "", reply_to=reply.reply_to, action=reply.kind == "action")
    except ConnectorError as error:
        waits = error.code == "egress.not_sent" and client.status.state in OFFLINE
        raise StepFailed(error.code, error.message, retryable=waits) from error
    told = {"at": ctx.now().isoformat()}
    return told if sent.sent else {**told, "code": sent.code, "message": f"{sent.notice} {sent.message}".strip()}


def _not(ctx: Context, code: str, message: str) -> Delivered:
    ctx.log.warning("reply not sent", code=code, reason=message)
    return Delivered(at=ctx.now(), error=StepError(code=code, message=message))
