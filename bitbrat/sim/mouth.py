"""The egress of the simulation: each reply once, by the way that every egress goes, into the ledger of the outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitbrat import Context, Envelope, Reply, Service, StepFailed, Unavailable
from bitbrat.envelope import Delivered, StepError
from bitbrat.sim.outside import Outside
from bitbrat.sim.world import SimWorld
from bitbrat.topics import EGRESS


def mouth(world: SimWorld, outside: Outside) -> Service:
    """The service, for one process."""
    service = Service("mouth")

    async def deliver(envelope: Envelope, ctx: Context) -> Envelope:
        replies = [
            reply if reply.delivered is not None else reply.but(delivered=await _settle(f"{envelope.id}#{index}", reply, ctx))
            for index, reply in enumerate(envelope.replies)
        ]
        return envelope.but(replies=tuple(replies))

    async def _settle(key: str, reply: Reply, ctx: Context) -> Delivered:
        async def say() -> Mapping[str, Any]:
            await outside.say(world, key, reply.text or "")
            return {}

        try:
            await ctx.once(key, say)
        except StepFailed as error:
            if error.retryable:
                raise Unavailable("chat", error.message) from error
            return Delivered(at=ctx.now(), error=StepError(code=error.code, message=error.message))
        return Delivered(at=ctx.now())

    service.consumer(EGRESS, role="egress", concurrency=4)(deliver)
    return service
