"""Finalizer: one final record for every envelope, whatever became of it."""

from bitbrat import Context, Envelope, Service, ServiceContext
from bitbrat.envelope import format_time
from bitbrat.records import final_record
from bitbrat.slip import forward
from services.finalizer.settings import FinalizerSettings
from services.finalizer.sweeper import PENDING, Sweeper, sweep_for_ever

__all__ = ["FinalizerSettings", "service"]

DEFAULTS = FinalizerSettings()

service = Service("finalizer", settings=FinalizerSettings, state=Sweeper)


@service.consumer("internal.complete.v1", role="finalizer", effects="transactional")
async def conclude(envelope: Envelope, ctx: Context) -> Envelope:
    """Write the envelope's final record; one whose replies go to egress first is pending until it comes back."""
    now = ctx.now()
    pending = forward(envelope, "finalizer", now=now) is not None
    first = await ctx.tx.record(final_record(envelope, at=now, pending=pending))
    if not first:
        ctx.log.warning("finalizer.surplus", envelope_id=envelope.id)
    elif pending:
        await ctx.tx.put(PENDING, envelope.id, {"at": format_time(now)})
    elif any(visit.service == "finalizer" for visit in envelope.trail):
        await ctx.tx.delete(PENDING, envelope.id)
    if envelope.replay_of is not None:
        ctx.state.wake()
    return envelope


@service.background
async def sweep(ctx: ServiceContext) -> None:
    """Close what is pending for too long, and tell the originals of replays how those ended."""
    await sweep_for_ever(ctx, ctx.state, ctx.settings or DEFAULTS)
