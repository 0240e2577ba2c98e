"""Executions without an open transaction: with no claim, with a claim, with an intent."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any, Literal

from bitbrat.context import Buffered, Context
from bitbrat.errors import StepFailed, StoreError, StoreUnavailable, Unavailable
from bitbrat.hop.base import Base, Busy
from bitbrat.hop.once import forget
from bitbrat.hop.work import Work
from bitbrat.lease import Held
from bitbrat.store import Claim

SUSPECT = 3
"""Deliveries of a hop without a claim after which it claims all the same: only a claim counts starts, so that one which kills
its process each time comes to an end."""


class Claimed(Base):
    """``recorded``, ``leased``, ``idempotent``: no transaction stays open while the handler works."""

    intent = False

    async def execute(self, work: Work, held: Held) -> None:
        """Claim, handle, commit, publish, acknowledge."""
        delivery, lease = held.delivery, self.shared.keeper.lease
        claim = await self.shared.store.claim(work.hop, owner=held.owner, lease=lease, max_starts=work.max_starts, intent=self.intent)
        if claim.state in ("done", "stale"):
            await self.decided_before(claim, delivery, work.hop)
        elif claim.state == "running":
            raise Busy(claim.wait + 0.05)
        else:
            held.hop = work.hop
            await self._own(work, held, claim)

    async def _own(self, work: Work, held: Held, claim: Claim) -> None:
        delivery = held.delivery
        started_at = self.shared.world.now()
        tx = Buffered(self.shared.store) if self.spec.effects == "leased" else None
        ctx = self.context(work, tx)
        try:
            result = await self.result(work, ctx, claim)
        except (Unavailable, asyncio.CancelledError):
            await self.shared.store.release(work.hop, owner=held.owner)
            raise
        except Exception:
            # A platform service waits: the start stays counted, the hop is free again.
            await self.shared.store.commit(work.hop, "retry", (), owner=held.owner)
            raise
        decision, rows = await self.decide(work, result, ctx, delivery, started_at)
        state: Literal["done", "retry"] = "retry" if decision.retries else "done"
        coming = replace(work.hop, attempt=work.hop.attempt + 1) if decision.retries else work.hop
        writes = list(tx.writes.values()) if tx is not None and not decision.code else []
        writes += forget(ctx.once_keys, work.hop.group)
        try:
            kept = await self.shared.store.commit(coming, state, rows, owner=held.owner, writes=writes)
        except StoreUnavailable:
            await self._not_a_crash(work, held)
            raise
        if not kept:
            raise Busy(1.0)  # the claim was lost: the result is thrown away, the new owner's counts
        await self.leave(rows, delivery)
        self.told(work, decision, delivery, started_at)

    async def _not_a_crash(self, work: Work, held: Held) -> None:
        """The store failed, not the handler: this start does not count, or a store that flaps would look like a message that kills.

        Nothing happens if the commit was applied after all. An intent stays: its call is not repeated.
        """
        if not self.intent:
            with contextlib.suppress(StoreError):
                await self.shared.store.release(work.hop, owner=held.owner)


class Stateless(Claimed):
    """``none``: equal input gives an equal wire id, and whoever is next removes a double."""

    async def execute(self, work: Work, held: Held) -> None:
        """Handle, decide, publish, acknowledge."""
        delivery = held.delivery
        if delivery.deliveries > SUSPECT and self.shared.store.capabilities.durable:
            await super().execute(work, held)
            return
        started_at = self.shared.world.now()
        ctx = self.context(work)
        result = await self.call(work, ctx)
        decision, rows = await self.decide(work, result, ctx, delivery, started_at)
        # What may have to wait needs the outbox: a retry, and an event for an ingress topic that may be full.
        if (decision.retries or len(rows) > 1) and self.shared.holds_back:
            await self.shared.store.enqueue(rows)
        await self.leave(rows, delivery)
        self.told(work, decision, delivery, started_at)


class AtMostOnce(Claimed):
    """``at_most_once``: what was cut off has an unknown outcome, and is not repeated."""

    intent = True

    async def call(self, work: Work, ctx: Context) -> Any:
        """Like the others, but only an explicit ``StepFailed(retryable=True)`` says that nothing was done."""
        without = work.without_running(self.shared.world.now())
        if without is not None:
            return without
        try:
            return await self._timed(work, ctx)
        except StepFailed as error:
            return work.failed(error)
        except asyncio.CancelledError:
            return work.failed(StepFailed("step.unknown_outcome", "cancelled at shutdown around the call; it is not repeated"))
        except Exception as error:
            return work.failed(StepFailed("step.unknown_outcome", f"{type(error).__name__}: {error}"))
