"""The execution whose effects, decision and outbox are one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bitbrat.bus import Delivery
from bitbrat.context import Surroundings
from bitbrat.hop.base import Base, Busy
from bitbrat.hop.noted import Noted
from bitbrat.hop.shared import Shared
from bitbrat.hop.work import Decision, Work
from bitbrat.lease import Held
from bitbrat.step import ConsumerSpec, StepSpec
from bitbrat.store import Claim, Outgoing, Transaction

SURVIVED = 1_000
"""Hops of which a process remembers that they did not kill it."""


class Transactional(Base):
    """``transactional``: what the handler writes through ``ctx.tx`` takes effect once, with the decision, or not at all."""

    def __init__(self, spec: StepSpec | ConsumerSpec, shared: Shared, around: Surroundings) -> None:
        super().__init__(spec, shared, around)
        self._survived: dict[str, None] = {}

    async def execute(self, work: Work, held: Held) -> None:
        """Begin, claim, handle, decide, commit; then publish and acknowledge."""
        key = work.hop.id
        if held.delivery.deliveries > 1 and key not in self._survived:
            await self.shared.store.count_start(work.hop)
        try:
            await self._execute(work, held.delivery)
        except BaseException:
            self._note(key)
            raise
        self._survived.pop(key, None)

    def _note(self, key: str) -> None:
        """This process lived through a run that came to nothing: the next one here is not counted as a start after a crash.

        Otherwise a store that fails for a while would look like a message that kills.
        """
        self._survived[key] = None
        if len(self._survived) > SURVIVED:
            del self._survived[next(iter(self._survived))]

    async def _execute(self, work: Work, delivery: Delivery) -> None:
        started_at = self.shared.world.now()
        decision: Decision | None = None
        async with self.shared.store.transaction() as transaction:
            tx = Noted(transaction)
            claim = await transaction.claim(work.hop, max_starts=work.max_starts)
            if claim.state == "running":
                raise Busy(claim.wait + 0.05)
            if claim.state not in ("done", "stale"):
                decision, rows = await self._inside(work, delivery, claim, transaction, tx, started_at)
        if decision is None:
            await self.decided_before(claim, delivery, work.hop)
            return
        tx.tell(self.shared.observer)
        await self.leave(rows, delivery)
        self.told(work, decision, delivery, started_at)

    async def _inside(
        self, work: Work, delivery: Delivery, claim: Claim, transaction: Transaction, tx: Noted, started_at: datetime
    ) -> tuple[Decision, list[Outgoing]]:
        ctx = self.context(work, tx)
        try:
            async with transaction.savepoint():
                result = await self.result(work, ctx, claim)
                decision, rows = await self.decide(work, result, ctx, delivery, started_at)
                if decision.code and isinstance(self.spec, StepSpec):
                    raise _Undo
        except _Undo:
            pass
        coming = replace(work.hop, attempt=work.hop.attempt + 1) if decision.retries else work.hop
        await transaction.finish(coming, "retry" if decision.retries else "done", rows)
        return decision, rows


class _Undo(Exception):
    """The step failed: its effects go, its decision stays."""
