"""Planted bugs in the hop: a process is altered after it was composed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bitbrat.bus import Delivery
from bitbrat.hop import HopRunner, Sender
from bitbrat.hop.sender import envelope_headers
from bitbrat.hop.work import VisitWork, Work, early_by
from bitbrat.outcome import Handled, Next
from bitbrat.runtime import Runtime
from bitbrat.sim.plants_store import PublishesInside
from bitbrat.step import ConsumerSpec
from bitbrat.store import Hop, Outgoing, Store

Alter = Callable[[HopRunner, Any], None]


def _each_runner(runtime: Runtime, alter: Alter) -> None:
    """Alter every hop's runner (and its execution) as soon as it is made."""
    original = runtime.consumers_of

    def consumers_of(service: Any) -> Any:
        consumers = original(service)
        for consumer in consumers:
            alter(consumer.runner, consumer.runner._execution)
        return consumers

    runtime.consumers_of = consumers_of  # type: ignore[method-assign]


def _replace(runtime: Runtime, sender: Sender) -> None:
    runtime.shared = dataclasses.replace(runtime.shared, sender=sender)
    runtime.shared.relay._sender = sender


class _MarksFirst(Sender):
    """Notes that a row was sent, and then sends it."""

    store: Store

    async def send(self, rows: Sequence[Outgoing]) -> list[str]:
        """As it should not be."""
        await self.store.mark_sent([row.wire_id for row in rows])
        return await super().send(rows)


def mark_sent_first(runtime: Runtime) -> None:
    """The mark before the bus's word."""
    sender = _MarksFirst(runtime.bus, runtime.observer, runtime.options.limits)
    sender.store = runtime.store
    _replace(runtime, sender)


def lend_bus(runtime: Runtime) -> None:
    """For a store that publishes by itself."""
    if isinstance(runtime.store, PublishesInside):
        runtime.store.bus = runtime.bus


def no_relay_ack_early(runtime: Runtime) -> None:
    """Acknowledges after the commit and before the publish, and nobody looks after what is left."""
    runtime.shared.relay.start = lambda: None  # type: ignore[method-assign]

    def alter(_runner: HopRunner, execution: Any) -> None:
        async def leave(rows: list[Outgoing], delivery: Delivery) -> None:
            await delivery.ack()
            sent = await execution.send(rows) if rows else []
            if sent:
                await runtime.store.mark_sent(sent)

        execution.leave = leave

    _each_runner(runtime, alter)


def ignore_handled(runtime: Runtime) -> None:
    """Goes on after ``Handled``."""

    def alter(_runner: HopRunner, execution: Any) -> None:
        original = execution.decide

        async def decide(work: Work, result: Any, *more: Any) -> Any:
            return await original(work, Next() if isinstance(result, Handled) else result, *more)

        execution.decide = decide

    _each_runner(runtime, alter)


def no_guard(runtime: Runtime) -> None:
    """Starts are not limited."""

    def alter(runner: HopRunner, _execution: Any) -> None:
        original = runner._work

        def work_of(envelope: Any) -> Work:
            work = original(envelope)
            work.max_starts = 1_000_000
            return work

        runner._work = work_of  # type: ignore[method-assign]

    _each_runner(runtime, alter)


def drop_early(runtime: Runtime) -> None:
    """A retry that comes before its time is acknowledged."""

    def alter(runner: HopRunner, _execution: Any) -> None:
        async def put_back_early(delivery: Delivery, work: Work) -> bool:
            early = early_by(work.envelope, work.index, runtime.world.now()).total_seconds() > 0
            if early:
                await delivery.ack()
            return early

        runner._put_back_early = put_back_early  # type: ignore[method-assign]

    _each_runner(runtime, alter)


def early_same_id(runtime: Runtime) -> None:
    """A retry that is put back twice gets one wire id twice."""

    def alter(runner: HopRunner, _execution: Any) -> None:
        async def hold_back(delivery: Delivery, work: Work, until: datetime) -> None:
            identity = f"{work.hop.id}:{work.hop.attempt}:early"
            row = Outgoing(identity, delivery.topic, delivery.data, envelope_headers(work.envelope, identity), until, work.hop)
            await runtime.store.enqueue([row])
            await delivery.ack()

        runner._hold_back = hold_back  # type: ignore[method-assign]

    _each_runner(runtime, alter)


class _SettlesFirst(Sender):
    """Settles what cannot be read, and then files it."""

    async def dead_letter(self, delivery: Delivery, *, group: str, code: str, message: str) -> None:
        """As it should not be."""
        await delivery.ack()
        await super().dead_letter(delivery, group=group, code=code, message=message)


def term_before_dlq(runtime: Runtime) -> None:
    """Settles before the dead letter is stored."""
    _replace(runtime, _SettlesFirst(runtime.bus, runtime.observer, runtime.options.limits))


def egress_repeats(runtime: Runtime) -> None:
    """No intent is noted before a reply is sent."""

    async def call_now(_key: str, call: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        return await call()

    def alter(_runner: HopRunner, execution: Any) -> None:
        original = execution.context

        def context(*given: Any, **named: Any) -> Any:
            ctx = original(*given, **named)
            ctx._once = call_now
            return ctx

        execution.context = context

    _each_runner(runtime, alter)


def second_visit_same_id(runtime: Runtime) -> None:
    """A second visit of a platform service is the same hop as the first."""

    def alter(runner: HopRunner, _execution: Any) -> None:
        original = runner._work

        def work_of(envelope: Any) -> Work:
            work = original(envelope)
            if isinstance(work, VisitWork):
                work.hop = Hop(work.hop.group, f"{envelope.id}:{work.name}", digest=work.hop.digest)
            return work

        runner._work = work_of  # type: ignore[method-assign]

    _each_runner(runtime, alter)


def cancel_counts(runtime: Runtime) -> None:
    """A handler that is cancelled at shutdown has failed."""

    def alter(runner: HopRunner, execution: Any) -> None:
        if isinstance(runner.spec, ConsumerSpec):
            return
        original = execution.call

        async def call(work: Work, ctx: Any) -> Any:
            try:
                return await original(work, ctx)
            except asyncio.CancelledError:
                return work.failed(RuntimeError("cancelled"))

        execution.call = call

    _each_runner(runtime, alter)
