"""Dead letters: what could not go on is kept whole, with the reason, until somebody looks at it."""

from bitbrat import BitBratError, Context, Service
from bitbrat.bus import GROUP, REASON, SOURCE_TOPIC
from bitbrat.codec import decode
from bitbrat.records import dead_letter, unreadable
from bitbrat.step import RawMessage
from bitbrat.store import FinalRecord

service = Service("dlq")


@service.consumer("internal.dlq.v1", role="dlq", effects="transactional", raw=True)
async def keep(message: RawMessage, ctx: Context) -> None:
    """Keep the bytes as they came; a body that was kept before is counted."""
    record = record_of(message, ctx)
    first = await ctx.tx.record(record)
    ctx.log.error("dlq.kept" if first else "dlq.surplus", envelope_id=record.id, code=record.code, topic=record.source_topic)


def record_of(message: RawMessage, ctx: Context) -> FinalRecord:
    """The final record of a dead letter, readable or not."""
    headers = message.headers
    where = {"source_topic": headers.get(SOURCE_TOPIC, ""), "group": headers.get(GROUP, "")}
    try:
        envelope = decode(message.data)
    except BitBratError as refusal:
        reason = headers.get(REASON) or refusal.code
        return unreadable(message.data, at=ctx.now(), reason=reason, message=refusal.message, **where)
    return dead_letter(envelope, message.data, at=ctx.now(), reason=headers.get(REASON) or "slip.no_completion", **where)
