"""What a hop makes of a handler's outcome, whatever the step's effects."""

from __future__ import annotations

import asyncio

import pytest

from bitbrat import Failed, Handled, Next, Reply, Reroute, Retry, Revise, Service, Skip, StepFailed
from bitbrat.step import EFFECTS
from bitbrat.topics import EGRESS, REROUTE
from tests.hop.harness import bench, message


def a_service(handler, **spec):
    """A service of one step, which retries at once."""
    service = Service("one")
    service.step("internal.one.v1", retry=Retry(base=0.01), **spec)(handler)
    return service


@pytest.mark.parametrize("effects", EFFECTS)
async def test_next_goes_to_the_next_step(effects):
    """A step that is done hands over to the next one on the slip."""

    async def handler(envelope, ctx):
        return Next(payload={"text": "changed"})

    async with bench(a_service(handler, effects=effects), topics=["internal.two.v1"]) as process:
        await process.send(message("one", "two"))
        arrived = await process.arrived("internal.two.v1")

    assert arrived.payload == {"text": "changed"}
    assert [step.status for step in arrived.routing_slip] == ["OK", "PENDING"]


@pytest.mark.parametrize("effects", EFFECTS)
async def test_handled_goes_to_egress_and_nothing_more_runs(effects):
    """A reply goes out at once, and the steps behind are skipped."""

    async def handler(envelope, ctx):
        return Handled(reply="done")

    async with bench(a_service(handler, effects=effects), topics=["internal.two.v1"]) as process:
        await process.send(message("one", "two"))
        arrived = await process.arrived(EGRESS)

    assert arrived.status == "HANDLED"
    assert [step.status for step in arrived.routing_slip] == ["OK", "SKIP"]
    assert arrived.replies == (Reply(kind="chat", text="done", by="one"),)


@pytest.mark.parametrize("effects", ["recorded", "none", "transactional", "leased", "idempotent"])
async def test_a_failing_step_is_attempted_again_and_then_works(effects):
    """A retryable failure is a new message with the next attempt."""
    attempts = []

    async def handler(envelope, ctx):
        attempts.append(ctx.attempt)
        if ctx.attempt < 2:
            raise ValueError("not yet")
        return Next()

    async with bench(a_service(handler, effects=effects)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert attempts == [0, 1, 2]
    assert arrived.routing_slip[0].attempt == 2
    assert arrived.routing_slip[0].status == "OK"


@pytest.mark.parametrize("effects", ["recorded", "none", "transactional", "leased", "idempotent"])
async def test_a_step_that_always_crashes_ends_failed_with_the_exception_named(effects):
    """After the last attempt the envelope completes as FAILED, and says what happened and where."""

    async def handler(envelope, ctx):
        return {}["target"]

    async with bench(a_service(handler, effects=effects)) as process:
        await process.send(message("one", "two"))
        arrived = await process.arrived()

    error = arrived.routing_slip[0].error
    assert arrived.status == "FAILED"
    assert [step.status for step in arrived.routing_slip] == ["ERROR", "SKIP"]
    assert error.code == "step.crashed"
    assert error.message.startswith("KeyError: 'target'  hop/test_outcomes.py:")


@pytest.mark.parametrize("effects", ["recorded", "none", "transactional", "leased", "idempotent"])
async def test_a_timeout_cancels_the_handler(effects):
    """A handler that takes too long is cancelled, not left running, and the step says so."""
    cancelled = []

    async def handler(envelope, ctx):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(ctx.attempt)
            raise

    async with bench(a_service(handler, effects=effects, timeout=0.03)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert cancelled == [0, 1, 2]
    assert arrived.routing_slip[0].error.code == "step.timeout"


async def test_a_handler_that_swallows_its_cancellation_has_still_timed_out():
    """What comes after the timeout does not count."""

    async def handler(envelope, ctx):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return Handled(reply="too late")

    async with bench(a_service(handler, timeout=0.03)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert arrived.routing_slip[0].error.code == "step.timeout"
    assert arrived.replies == ()


async def test_a_timeout_of_the_handlers_own_is_a_crash():
    """Only the step's own limit is step.timeout."""

    async def handler(envelope, ctx):
        raise TimeoutError("the shop did not answer")

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert arrived.routing_slip[0].error.code == "step.crashed"


async def test_a_deliberate_failure_is_not_repeated():
    """StepFailed without retryable ends the envelope at once, under the service's own code."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(1)
        raise StepFailed("shop.closed", "come back tomorrow")

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert runs == [1]
    assert arrived.routing_slip[0].error.code == "shop.closed"


async def test_something_that_is_no_outcome_is_a_failure():
    """A handler that forgets to return an outcome is told so."""

    async def handler(envelope, ctx):
        return None

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert arrived.routing_slip[0].error.code == "step.bad_outcome"


async def test_failed_may_carry_an_apology():
    """A final failure keeps its replies; the finalizer sends them."""

    async def handler(envelope, ctx):
        return Failed("shop.closed", "closed", replies=["Sorry, closed."])

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert [reply.text for reply in arrived.replies] == ["Sorry, closed."]


async def test_revise_adds_steps_by_name():
    """The topics of added steps come from the deployment, not from the handler."""

    async def handler(envelope, ctx):
        return Revise("two")

    two = Service("two")
    two.step("internal.somewhere.else.v1", name="two")(handler_next)
    async with bench(a_service(handler), two) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert [(step.id, step.destination, step.status) for step in arrived.routing_slip] == [
        ("one", "internal.one.v1", "OK"),
        ("two", "internal.somewhere.else.v1", "OK"),
    ]


async def handler_next(envelope, ctx):
    """Go on."""
    return Next()


async def test_revise_with_a_step_that_nobody_has_fails_as_unroutable():
    """A name without a service is an error, not a lost message."""

    async def handler(envelope, ctx):
        return Revise("nobody")

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert arrived.routing_slip[0].error.code == "slip.unroutable"


async def test_reroute_goes_to_the_router_with_its_reason():
    """The rest of the slip is closed, and the router writes a new one."""

    async def handler(envelope, ctx):
        return Reroute("wrong department")

    async with bench(a_service(handler), topics=["internal.two.v1"]) as process:
        await process.send(message("one", "two"))
        arrived = await process.arrived(REROUTE)

    assert arrived.routing_slip[0].attributes["reroute"] == "wrong department"
    assert [step.status for step in arrived.routing_slip] == ["OK", "SKIP"]


async def test_an_optional_step_is_skipped_behind_the_deadline():
    """A late message does not wait for what it can do without."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(1)
        return Next()

    late = message("one")
    optional = late.routing_slip[0].but(attributes={"optional": "true"})
    async with bench(a_service(handler)) as process:
        await process.send(late.but(routing_slip=(optional,), deadline=late.timestamp.replace(year=2020)))
        arrived = await process.arrived()

    assert runs == []
    assert (arrived.routing_slip[0].status, arrived.routing_slip[0].notes) == ("SKIP", "deadline")


async def test_an_outcome_that_outgrows_the_limit_is_the_steps_own_error():
    """Completion gets the envelope as it was before the step."""

    async def handler(envelope, ctx):
        return Next(payload={"text": "x" * 300_000})

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert arrived.routing_slip[0].error.code == "envelope.too_large"
    assert arrived.payload == {"text": "Hello World!"}


async def test_a_step_can_emit_an_event_that_enters_at_ingress():
    """An emitted event has the same correlation and an id made from the hop."""

    async def handler(envelope, ctx):
        ctx.emit("external.shop.sold.v1", {"item": "hat"})
        return Next()

    sent = message("one")
    async with bench(a_service(handler)) as process:
        await process.send(sent)
        event = await process.arrived("internal.ingress.v1")

    assert event.type == "external.shop.sold.v1"
    assert event.correlation_id == sent.correlation_id
    assert event.id != sent.id


async def test_what_a_failed_attempt_emitted_is_dropped():
    """Only the attempt that counts has effects."""

    async def handler(envelope, ctx):
        ctx.emit("external.shop.sold.v1", {"attempt": ctx.attempt})
        if ctx.attempt == 0:
            raise ValueError("not yet")
        return Next()

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        event = await process.arrived("internal.ingress.v1")

    assert event.payload == {"attempt": 1}


async def test_skip_says_why():
    """The reason stands on the step."""

    async def handler(envelope, ctx):
        return Skip("not for me")

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert (arrived.routing_slip[0].status, arrived.routing_slip[0].notes) == ("SKIP", "not for me")
