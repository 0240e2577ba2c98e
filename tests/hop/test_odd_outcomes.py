"""What service authors return besides the tidy values: taken where the meaning is clear, else the step's own error."""

from __future__ import annotations

import asyncio

import pytest

from bitbrat import Annotation, Failed, Handled, Next, Reply, Revise, Skip, StepFailed
from bitbrat.step import EFFECTS
from tests.hop.harness import bench, message
from tests.hop.test_outcomes import a_service


def nested(depth):
    """An object that is ``depth`` objects deep."""
    value = {}
    for _ in range(depth):
        value = {"in": value}
    return value


async def test_replies_and_annotations_may_be_written_as_dicts():
    """A dict of its fields is as good as the value itself."""

    async def handler(envelope, ctx):
        return Next(annotations=[{"kind": "mood", "label": "glad"}], replies=["hi", {"text": "ho", "replyTo": "m1"}])

    async with bench(a_service(handler), topics=["internal.two.v1"]) as process:
        await process.send(message("one", "two"))
        arrived = await process.arrived("internal.two.v1")

    assert arrived.annotations == (Annotation(kind="mood", label="glad", by="one"),)
    assert arrived.replies == (Reply(kind="chat", text="hi", by="one"), Reply(kind="chat", text="ho", reply_to="m1", by="one"))


async def test_a_reply_says_on_the_wire_what_kind_it_is():
    """Whoever reads the bytes need not know our default."""

    async def handler(envelope, ctx):
        return Handled(reply=Reply(text="hi"))

    async with bench(a_service(handler)) as process:
        await process.send(message("one"))
        arrived = await process.arrived("internal.egress.v1")

    assert arrived.to_wire()["replies"] == [{"kind": "chat", "text": "hi", "by": "one"}]


async def test_revise_takes_a_list_too():
    """``Revise(["two"])`` is ``Revise("two")``."""
    assert Revise(["two", "three"]) == Revise("two", "three")


BAD = {
    "a payload that is a list": lambda: Next(payload=[1]),
    "an annotation without a kind": lambda: Next(annotations=[{"label": "x"}]),
    "an annotation that is a number": lambda: Next(annotations=[1]),
    "a reply that is a number": lambda: Handled(reply=7),
    "a reply of an unknown kind": lambda: Next(replies=[{"kind": "shout"}]),
    "a reason that is a number": lambda: Skip(7),
    "a code that is a number": lambda: Failed(7),
    "a message that is an exception": lambda: Failed("one.bad", ValueError("x")),
    "steps that are numbers": lambda: Revise(7),
}


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_what_cannot_be_meant_is_the_steps_own_error(effects, bad):
    """The envelope ends, with the reason on the step; it does not come back for ever."""

    async def handler(envelope, ctx):
        return bad()

    async with bench(a_service(handler, effects=effects)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert arrived.status == "FAILED"
    assert arrived.routing_slip[0].error.code in ("step.bad_outcome", "step.crashed", "step.unknown_outcome")
    assert not process.seen.troubles


async def test_a_payload_that_nobody_could_read_is_refused_at_its_step():
    """What is nested deeper than a reader takes fails where it was made."""

    async def handler(envelope, ctx):
        return Next(payload=nested(40))

    async with bench(a_service(handler)) as process:
        await process.send(message("one", payload={"text": "hi"}))
        arrived = await process.arrived()

    assert arrived.routing_slip[0].error.code == "envelope.too_deep"
    assert arrived.payload == {"text": "hi"}


@pytest.mark.parametrize("effects", ["recorded", "none", "transactional", "leased", "idempotent", "at_most_once"])
async def test_what_a_failing_handler_changed_inside_of_its_input_goes_nowhere(effects):
    """The hop goes on from the bytes as they came."""

    async def handler(envelope, ctx):
        envelope.payload["text"] = "changed"
        raise StepFailed("one.broken", "no")

    async with bench(a_service(handler, effects=effects)) as process:
        await process.send(message("one", payload={"text": "as it came"}))
        arrived = await process.arrived()

    assert arrived.payload == {"text": "as it came"}


async def test_a_cancellation_of_the_handlers_own_is_a_crash_and_the_next_message_runs():
    """A handler that waits for something cancelled fails; nobody has asked this process to stop."""
    runs = []

    async def handler(envelope, ctx):
        runs.append(ctx.attempt)
        raise asyncio.CancelledError

    async with bench(a_service(handler, concurrency=1)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert runs == [0, 1, 2]
    assert arrived.routing_slip[0].error.code == "step.crashed"


@pytest.mark.parametrize("effects", ["recorded", "none", "idempotent"])
async def test_documents_without_a_transaction_are_a_failure_of_that_name(effects):
    """Trying again would not help, so nobody does."""

    async def handler(envelope, ctx):
        return Next(payload={"seen": await ctx.tx.get("a", "b")})

    async with bench(a_service(handler, effects=effects)) as process:
        await process.send(message("one"))
        arrived = await process.arrived()

    assert arrived.routing_slip[0].error.code == "config.no_transaction"
    assert arrived.routing_slip[0].attempt == 0
