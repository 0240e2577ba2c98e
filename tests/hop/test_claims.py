"""How a hop protects its handler from a second run, by the step's effects."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bitbrat import Handled, Next, Retry, Service, StepFailed
from bitbrat.errors import ConfigError
from bitbrat.runtime import Options
from bitbrat.slip import step_hop_id
from bitbrat.store import Hop
from bitbrat.topics import COMPLETE
from tests.hop.harness import bench, message

CLAIMED = ["recorded", "transactional", "leased", "idempotent", "at_most_once"]


def a_service(handler, **spec):
    """A service of one step, which retries at once."""
    service = Service("one")
    service.step("internal.one.v1", retry=Retry(base=0.01), **spec)(handler)
    return service


@pytest.mark.parametrize("effects", CLAIMED)
async def test_a_second_delivery_does_not_run_the_handler(effects):
    """However often the bus hands it out, the handler runs once and one continuation arrives."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(1)
        return Next()

    sent = message("one")
    async with bench(a_service(handler, effects=effects)) as process:
        for copy in range(5):
            await process.send(sent, again=f"-{copy}")
        await process.arrived()
        async with asyncio.timeout(5):
            while process.seen.repeats < 4:
                await asyncio.sleep(0.01)

    assert runs == [1]
    assert len(process.seen.ends) == 1


@pytest.mark.parametrize("effects", CLAIMED)
async def test_two_live_deliveries_run_the_handler_once(effects):
    """A second delivery that comes while the first still works waits for it."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(1)
        await asyncio.sleep(0.1)
        return Next()

    sent = message("one")
    async with bench(a_service(handler, effects=effects)) as process:
        await asyncio.gather(*(process.send(sent, again=f"-{copy}") for copy in range(8)))
        await process.arrived()
        await process.quiet(1)

    assert runs == [1]


async def test_what_a_transactional_step_writes_takes_effect_once():
    """Documents change with the decision, and once."""

    async def handler(envelope, ctx):
        count = (await ctx.tx.get("counters", "hats")) or 0
        await ctx.tx.put("counters", "hats", count + 1)
        return Next()

    async with bench(a_service(handler, effects="transactional")) as process:
        for _ in range(20):
            sent = message("one")
            await process.send(sent)
            await process.send(sent, again="-again")
        await process.quiet(20)
        stored = await process.runtime.store.get("counters", "hats")

    assert stored.value == 20


@pytest.mark.parametrize("effects", ["transactional", "leased"])
async def test_what_a_failed_attempt_wrote_is_undone(effects):
    """A failure is a decision without effects."""

    async def handler(envelope, ctx):
        await ctx.tx.put("marks", str(ctx.attempt), True)
        if ctx.attempt == 0:
            raise ValueError("not yet")
        return Next()

    async with bench(a_service(handler, effects=effects)) as process:
        await process.send(message("one"))
        await process.arrived()
        first = await process.runtime.store.get("marks", "0")
        second = await process.runtime.store.get("marks", "1")

    assert first is None
    assert second.value is True


@pytest.mark.parametrize("effects", ["recorded", "none", "idempotent", "at_most_once"])
async def test_documents_need_a_transaction(effects):
    """Asking for what the step has not declared is an error with a name."""
    raised = []

    async def handler(envelope, ctx):
        try:
            await ctx.tx.get("counters", "hats")
        except ConfigError as error:
            raised.append(error.code)
        return Next()

    async with bench(a_service(handler, effects=effects)) as process:
        await process.send(message("one"))
        await process.arrived()

    assert raised == ["config.no_transaction"]


async def test_a_transactional_step_has_at_most_two_seconds():
    """Long work does not hold a transaction open."""
    with pytest.raises(ConfigError, match="at most 2 s"):
        a_service(None, effects="transactional", timeout=30)


async def test_a_call_that_was_cut_off_is_not_repeated():
    """A process that died after the intent row leaves an unknown outcome, and the step says so."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(1)
        return Next()

    sent = message("one")
    async with bench(a_service(handler, effects="at_most_once")) as process:
        hop = Hop("one", step_hop_id(sent, 0))
        await process.runtime.store.claim(hop, owner="the dead", lease=0.01, max_starts=6, intent=True)
        await asyncio.sleep(0.05)
        await process.send(sent)
        arrived = await process.arrived()

    assert runs == []
    assert arrived.routing_slip[0].error.code == "step.unknown_outcome"


async def test_a_crash_after_the_intent_is_an_unknown_outcome():
    """An exception does not say whether the call happened, so it is not repeated."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(1)
        raise ConnectionResetError("gone")

    async with bench(a_service(handler, effects="at_most_once")) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert runs == [1]
    assert arrived.routing_slip[0].error.code == "step.unknown_outcome"


async def test_only_an_explicit_word_lets_an_at_most_once_step_try_again():
    """StepFailed(retryable=True) says that nothing was done."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(ctx.attempt)
        if ctx.attempt == 0:
            raise StepFailed("shop.busy", retryable=True)
        return Next()

    async with bench(a_service(handler, effects="at_most_once")) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert runs == [0, 1]
    assert arrived.routing_slip[0].status == "OK"


@pytest.mark.parametrize("effects", ["recorded", "leased", "idempotent"])
async def test_a_message_that_kills_the_process_each_time_ends_in_a_crash_loop(effects):
    """Starts without an end are counted before the handler runs, so the loop has an end."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(1)
        return Next()

    sent = message("one")
    async with bench(a_service(handler, effects=effects)) as process:
        hop = Hop("one", step_hop_id(sent, 0))
        for number in range(6):
            await process.runtime.store.claim(hop, owner=f"dead {number}", lease=0.001, max_starts=6)
            await asyncio.sleep(0.005)
        await process.send(sent)
        arrived = await process.arrived()

    assert runs == []
    assert arrived.routing_slip[0].error.code == "step.crash_loop"


async def test_a_stale_attempt_is_acknowledged_without_running():
    """A copy of attempt 0 that turns up after attempt 1 was decided does nothing."""
    attempts = []

    async def handler(envelope, ctx):
        attempts.append(ctx.attempt)
        if ctx.attempt == 0:
            raise ValueError("not yet")
        return Next()

    sent = message("one")
    async with bench(a_service(handler)) as process:
        await process.send(sent)
        await process.arrived()
        await process.send(sent, again="-stale")
        async with asyncio.timeout(5):
            while not process.seen.repeats:
                await asyncio.sleep(0.01)

    assert attempts == [0, 1]


async def test_what_a_dead_hop_left_in_the_outbox_is_sent_by_the_relay():
    """A decision that was committed and not published is published by whoever is alive."""

    async def handler(envelope, ctx):
        return Next()

    sent = message("one")
    async with bench(a_service(handler)) as process:
        shared = process.runtime.shared
        hop = Hop("one", step_hop_id(sent, 0))
        await shared.store.claim(hop, owner="the dead", lease=30, max_starts=6)
        done = sent.but(routing_slip=(sent.routing_slip[0].but(status="OK"),))
        row = shared.sender.outgoing(_onward(done), hop=hop)
        await shared.store.commit(hop, "done", [row], owner="the dead")
        arrived = await process.arrived(COMPLETE)
        async with asyncio.timeout(5):
            while (await shared.store.counts())["outbox"]:
                await asyncio.sleep(0.01)

    assert arrived.id == sent.id


def _onward(envelope):
    from bitbrat.slip import onward

    return onward(envelope)


async def test_shutdown_is_neither_failure_nor_attempt():
    """What is cancelled at the end of the drain is put back with its attempt unchanged, and its start is given back."""
    started = asyncio.Event()

    async def handler(envelope, ctx):
        started.set()
        await asyncio.sleep(30)
        return Next()

    sent = message("one")
    async with bench(a_service(handler), options=replace(Options(), drain=0.05)) as process:
        store = process.runtime.store
        await process.send(sent)
        await started.wait()
        consumers = process.runtime._consumers
        await asyncio.gather(*(consumer.stop(0.05) for consumer in consumers))
        claim = await store.claim(Hop("one", step_hop_id(sent, 0)), owner="next", lease=30, max_starts=6)

    assert (claim.state, claim.starts) == ("run", 1)
    assert process.seen.ends == []


async def test_shutdown_waits_for_what_runs():
    """A handler that ends within the drain is settled as always."""
    started = asyncio.Event()

    async def handler(envelope, ctx):
        started.set()
        await asyncio.sleep(0.1)
        return Handled(reply="done")

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        await started.wait()
        await asyncio.gather(*(consumer.stop(5) for consumer in process.runtime._consumers))

    assert [end.outcome for end in process.seen.ends] == ["handled"]
