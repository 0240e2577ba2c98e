"""What the kinds of execution share: the call with its timeout, the decision with its size, and the way out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from bitbrat.bus import Delivery
from bitbrat.codec import decode
from bitbrat.context import Context, Documents, Surroundings
from bitbrat.envelope import Envelope
from bitbrat.errors import EnvelopeError, StepFailed, StoreUnavailable, Unavailable
from bitbrat.hop.observer import HopEnd
from bitbrat.hop.once import once
from bitbrat.hop.sender import due
from bitbrat.hop.shared import Shared
from bitbrat.hop.work import TIMED_OUT, Decision, Work
from bitbrat.lease import Held
from bitbrat.outcome import Failed
from bitbrat.slip import forward
from bitbrat.step import ConsumerSpec, StepSpec
from bitbrat.store import Claim, Hop, Outgoing


class Busy(Exception):
    """Somebody else has this hop for ``wait`` more seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


class Execution(Protocol):
    """One kind of claim."""

    async def execute(self, work: Work, held: Held) -> None:
        """Claim, handle, decide, publish, acknowledge."""
        ...


class Base:
    """What the kinds share: the call with its timeout, the decision with its size, and the way out."""

    def __init__(self, spec: StepSpec | ConsumerSpec, shared: Shared, around: Surroundings) -> None:
        self.spec = spec
        self.shared = shared
        self.around = around

    def context(self, work: Work, tx: Documents | None = None) -> Context:
        """The handler's view of this hop."""

        async def call_once(name: str, call: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
            return await once(self.shared, work.hop.group, name, call)

        return Context(
            self.around, work.envelope, work.hop.id, work.hop.attempt, tx=tx, once=None if self.spec.effects == "none" else call_once
        )

    async def result(self, work: Work, ctx: Context, claim: Claim) -> Any:
        """What came of the handler, unless the claim says that it must not run."""
        if claim.state == "crash_loop":
            return work.failed(StepFailed("step.crash_loop", f"started {claim.starts} times without an end"))
        if claim.state == "unknown":
            return work.failed(StepFailed("step.unknown_outcome", "the process died around the call; it is not repeated"))
        return await self.call(work, ctx)

    async def call(self, work: Work, ctx: Context) -> Any:
        """The handler's result, or what its failure comes to. Cancellation goes through: it is no failure."""
        without = work.without_running(self.shared.world.now())
        if without is not None:
            return without
        try:
            return await self._timed(work, ctx)
        except (Unavailable, StoreUnavailable):
            raise
        except Exception as error:
            return work.failed(error)

    async def _timed(self, work: Work, ctx: Context) -> Any:
        limit = asyncio.timeout(self.spec.timeout)
        try:
            async with limit:
                result = await work.call(ctx)
        except TimeoutError:
            if limit.expired():
                raise TimeoutError(TIMED_OUT) from None
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise RuntimeError("the handler let a cancellation of its own through") from None
        if limit.expired():
            raise TimeoutError(TIMED_OUT)
        return result

    async def decide(
        self, work: Work, result: Any, ctx: Context, delivery: Delivery, started_at: datetime
    ) -> tuple[Decision, list[Outgoing]]:
        """What the law says, checked for its destination and its size, as rows of the outbox."""
        if isinstance(result, Failed):
            work.envelope = decode(delivery.data)  # a handler may have changed what is inside of the one that it was given
        try:
            return await self._decide(work, result, ctx.emitted, delivery, started_at)
        except EnvelopeError as error:
            work.envelope = decode(delivery.data)
            return await self._decide(work, work.failed(StepFailed(error.code, error.message)), [], delivery, started_at)

    async def _decide(
        self, work: Work, result: Any, emitted: list[Envelope], delivery: Delivery, started_at: datetime
    ) -> tuple[Decision, list[Outgoing]]:
        now = self.shared.world.now()
        decision = work.decide(result, now=now, started_at=started_at, randomness=self.shared.world.random())
        if decision.dispatch is None:
            return decision, []
        dispatch = await self.shared.routes.lawful(decision.dispatch, now=now)
        sender, group = self.shared.sender, work.hop.group
        rows = [sender.outgoing(dispatch, hop=work.hop, source_topic=delivery.topic, group=group)]
        if emitted and not decision.retries and decision.outcome != "failed":
            rows += [sender.outgoing(entered, hop=work.hop) for event in emitted if (entered := forward(event, "ingress", now=now))]
        return (decision if dispatch is decision.dispatch else replace(decision, dispatch=dispatch)), rows

    async def send(self, rows: list[Outgoing]) -> list[str]:
        """Publish the rows that are due; the others wait in the outbox for the relay."""
        if len(rows) == 1 and rows[0].not_before is None:
            return await self.shared.sender.send(rows)
        now = self.shared.world.now()
        ready = [row for row in rows if due(row, now) or not self.shared.holds_back]
        if len(ready) < len(rows):
            self.shared.relay.wake()
        return await self.shared.sender.send(ready)

    async def leave(self, rows: list[Outgoing], delivery: Delivery) -> None:
        """Publish, wait for the bus's word, note it, acknowledge: in this order."""
        sent = await self.send(rows) if rows else []
        if not sent:
            await delivery.ack()
        elif self.shared.store.capabilities.durable:
            # Losing either costs a repetition that does no harm, so both may share one commit.
            await asyncio.gather(self.shared.store.mark_sent(sent), delivery.ack())
        else:
            await self.shared.store.mark_sent(sent)
            await delivery.ack()

    async def decided_before(self, claim: Claim, delivery: Delivery, hop: Hop) -> None:
        """A repetition: make sure that what was decided is sent, and let go. Another content is kept as a dead letter."""
        if hop.digest and claim.digest and hop.digest != claim.digest:
            message = "another event under this id was accepted before"
            await self.shared.sender.dead_letter(delivery, group=hop.group, code="envelope.id_conflict", message=message)
            return
        self.shared.observer.repeated(hop.group)
        await self.leave(list(claim.outbox), delivery)

    def told(self, work: Work, decision: Decision, delivery: Delivery, started_at: datetime) -> None:
        """Tell the observer."""
        dispatch = decision.dispatch
        seconds = (self.shared.world.now() - started_at).total_seconds()
        self.shared.observer.ended(
            HopEnd(
                work.envelope if dispatch is None else dispatch.envelope,
                dispatch,
                work.hop.group,
                work.name,
                work.index,
                work.hop.attempt,
                delivery.deliveries,
                decision.outcome,
                decision.code,
                decision.message,
                seconds,
            )
        )
