"""The hop of a consumer that takes anything: the dead-letter handler.

There may be no envelope to claim a hop of; the unique row that the handler writes keeps a second run harmless.
"""

from __future__ import annotations

from bitbrat.bus import WIRE_ID, Delivery
from bitbrat.context import Context, Surroundings
from bitbrat.hop.noted import Noted
from bitbrat.hop.sender import raw_id
from bitbrat.hop.shared import Shared
from bitbrat.step import ConsumerSpec, RawMessage
from bitbrat.store import Hop


async def take_raw(spec: ConsumerSpec, delivery: Delivery, shared: Shared, around: Surroundings, group: str) -> None:
    """Hand the bytes to the handler in a transaction of their own, commit, acknowledge."""
    hop = Hop(group, f"raw:{delivery.headers.get(WIRE_ID) or raw_id(delivery.data)}")
    async with shared.store.transaction() as transaction:
        tx = Noted(transaction)
        claim = await transaction.claim(hop, max_starts=1_000_000)
        # What the bus hands out for the first time is another arrival of the same: the handler counts it.
        if claim.state == "run" or delivery.deliveries == 1:
            await spec.handler(RawMessage(delivery.data, dict(delivery.headers)), Context(around, None, hop.id, 0, tx=tx))  # type: ignore[arg-type]
        if claim.state == "run":
            await transaction.finish(hop, "done", ())
    tx.tell(shared.observer)
    await delivery.ack()
