"""What a hop does with messages that are not for it, destinations that are not allowed, and dependencies that are down."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from bitbrat import Handled, Next, Refused, Service, Unavailable
from bitbrat.bus import REASON, SOURCE_TOPIC
from bitbrat.codec import encode
from bitbrat.envelope import RoutingStep
from bitbrat.topics import AUTHENTICATED, COMPLETE, DLQ, EGRESS, INGRESS, REROUTE
from tests.hop.harness import bench, message


def a_service():
    """A service of one step."""
    service = Service("one")

    @service.step("internal.one.v1")
    async def handler(envelope, ctx):
        return Next()

    return service


@pytest.mark.parametrize(
    ("data", "code"), [(b"\x00\xff", "envelope.not_utf8"), (b"{", "envelope.not_json"), (b"[]", "envelope.not_object")]
)
async def test_unreadable_bytes_go_to_the_dead_letters_as_they_came(data, code):
    """Nothing is lost of what nobody can read, and the next message is served."""
    async with bench(a_service()) as process:
        await process.publish("internal.one.v1", data, "poison")
        letter = await process.dead()
        await process.send(message("one"))
        await process.arrived()

    assert letter.data == data
    assert letter.headers[REASON] == code
    assert letter.headers[SOURCE_TOPIC] == "internal.one.v1"
    assert letter.headers["bb-wire-id"] == f"sha256:{hashlib.sha256(data).hexdigest()}"


async def test_a_message_on_a_topic_that_is_not_its_steps_is_not_executed():
    """The current step names another topic: a dead letter, slip.wrong_step."""
    async with bench(a_service(), topics=["internal.two.v1"]) as process:
        await process.publish("internal.one.v1", encode(message("two")), "lost")
        letter = await process.dead()

    assert letter.headers[REASON] == "slip.wrong_step"
    assert process.seen.ends == []


async def test_a_message_without_a_step_left_is_not_executed():
    """Every step is OK already: a dead letter, slip.inconsistent."""
    sent = message("one")
    over = sent.but(routing_slip=(sent.routing_slip[0].but(status="OK"),))
    async with bench(a_service()) as process:
        await process.publish("internal.one.v1", encode(over), "over")
        letter = await process.dead()

    assert letter.headers[REASON] == "slip.inconsistent"


async def test_a_next_step_that_nobody_has_ends_in_error():
    """A well-formed topic that does not exist is slip.unroutable; the envelope completes as FAILED."""
    async with bench(a_service()) as process:
        await process.send(message("one", "nobody"))
        arrived = await process.arrived()

    assert [(step.id, step.status) for step in arrived.routing_slip] == [("one", "OK"), ("nobody", "ERROR")]
    assert arrived.routing_slip[1].error.code == "slip.unroutable"
    assert arrived.status == "FAILED"


@pytest.mark.parametrize("topic", [INGRESS, AUTHENTICATED, COMPLETE, DLQ, EGRESS])
async def test_a_step_may_not_live_on_a_topic_of_the_platform(topic):
    """A slip cannot send an envelope round the platform's own services; that is a security event."""
    sent = message("one")
    bad = sent.but(routing_slip=(*sent.routing_slip, RoutingStep(id="evil", status="PENDING", destination=topic)))
    async with bench(a_service()) as process:
        await process.send(bad)
        arrived = await process.arrived()

    assert arrived.routing_slip[1].error.code == "slip.forbidden_destination"
    assert process.seen.forbiddens == [topic]


async def test_a_completion_that_does_not_exist_leaves_the_dead_letters():
    """An envelope that cannot complete where it says is not lost."""
    async with bench(a_service()) as process:
        await process.send(message("one", finalization_destination="internal.nowhere.v1"))
        letter = await process.dead()

    assert letter.headers[REASON] == "slip.unroutable"


async def test_a_completion_on_a_step_topic_is_forbidden():
    """Completion topics are logs; anything else would run a step behind the law's back."""
    async with bench(a_service(), topics=["internal.two.v1"]) as process:
        await process.send(message("one", finalization_destination="internal.two.v1"))
        letter = await process.dead()

    assert letter.headers[REASON] == "slip.forbidden_destination"


@pytest.mark.parametrize("topic", [INGRESS, AUTHENTICATED, REROUTE, EGRESS])
async def test_a_completion_on_a_topic_of_the_platform_is_forbidden(topic):
    """It would send a finished envelope round again for ever."""
    async with bench(a_service()) as process:
        await process.send(message("one", finalization_destination=topic))
        letter = await process.dead()

    assert letter.headers[REASON] == "slip.forbidden_destination"
    assert process.seen.forbiddens == [topic]


@pytest.mark.parametrize("topic", [INGRESS, AUTHENTICATED, REROUTE, COMPLETE, DLQ])
async def test_replies_to_a_topic_that_is_no_egress_are_settled_with_the_error(topic):
    """No reply is a way into the platform's own topics; the envelope completes."""
    service = Service("one")

    @service.step("internal.one.v1")
    async def handler(envelope, ctx):
        return Handled(reply="hello")

    sent = message("one")
    async with bench(service) as process:
        await process.send(sent.but(source=sent.source.but(egress_destination=topic)))
        arrived = await process.arrived()

    assert arrived.replies[0].delivered.error.code == "slip.forbidden_destination"
    assert process.seen.forbiddens == [topic]


async def test_without_a_completion_the_envelope_is_a_dead_letter():
    """slip.no_completion, with the whole envelope."""
    async with bench(a_service()) as process:
        sent = message("one", finalization_destination=None)
        await process.send(sent)
        letter = await process.dead()

    assert letter.headers[REASON] == "slip.no_completion"
    assert letter.headers["bb-envelope-id"] == sent.id


async def test_replies_to_an_egress_that_does_not_exist_are_settled_with_the_error():
    """Nobody tries such a reply again; the envelope completes."""
    service = Service("one")

    @service.step("internal.one.v1")
    async def handler(envelope, ctx):
        return Handled(reply="hello")

    sent = message("one")
    async with bench(service) as process:
        await process.send(sent.but(source=sent.source.but(egress_destination="internal.egress.gone.v1")))
        arrived = await process.arrived()

    assert arrived.replies[0].delivered.error.code == "slip.unroutable"


async def test_a_retry_that_comes_early_waits_and_is_no_attempt():
    """notBefore ahead: put back, run later, same attempt."""
    attempts = []
    service = Service("one")

    @service.step("internal.one.v1")
    async def handler(envelope, ctx):
        attempts.append((ctx.attempt, ctx.now()))
        return Next()

    sent = message("one")
    due = sent.timestamp.replace(microsecond=0).isoformat().replace("+00:00", ".999Z")
    step = sent.routing_slip[0].but(attempt=1, attributes={"notBefore": due})
    async with bench(service) as process:
        await process.send(sent.but(routing_slip=(step,)))
        await process.arrived()

    assert [attempt for attempt, _ in attempts] == [1]
    assert attempts[0][1] >= step.not_before


async def test_a_platform_service_waits_for_what_it_needs():
    """Unavailable pauses the consumer; the message is not used up, and is served when the dependency is back."""
    calls = []
    service = Service("auth")

    @service.consumer(INGRESS, role="auth")
    async def auth(envelope, ctx):
        calls.append(1)
        if len(calls) == 1:
            raise Unavailable("the directory")
        return envelope

    async with bench(service) as process:
        await process.publish(INGRESS, encode(message()), "in")
        async with asyncio.timeout(5):
            while not await process.runtime.trouble():
                await asyncio.sleep(0.01)
        arrived = await process.arrived(AUTHENTICATED)
        async with asyncio.timeout(5):
            while await process.runtime.trouble():
                await asyncio.sleep(0.01)

    assert len(calls) == 2
    assert arrived.trail[0].service == "auth"


async def test_a_refused_user_is_handled():
    """Auth's refusal completes the envelope; no step runs."""
    service = Service("auth")

    @service.consumer(INGRESS, role="auth")
    async def auth(envelope, ctx):
        return Refused(envelope, "auth.banned", "banned")

    async with bench(service) as process:
        await process.publish(INGRESS, encode(message()), "in")
        arrived = await process.arrived()

    assert arrived.status == "HANDLED"


async def test_a_platform_service_that_cannot_take_an_envelope_dead_letters_it_in_the_end():
    """An exception is tried again; the crash guard ends it, so that one envelope does not loop for ever."""
    from dataclasses import replace

    service = Service("auth")

    @service.consumer(INGRESS, role="auth")
    async def auth(envelope, ctx):
        raise ZeroDivisionError

    from bitbrat import Retry

    service.consumers[0] = replace(service.consumers[0], retry=Retry(base=0.001))
    async with bench(service) as process:
        await process.publish(INGRESS, encode(message()), "in")
        letter = await process.dead()

    assert letter.headers[REASON] == "step.crash_loop"


async def test_another_event_under_the_same_id_is_a_dead_letter():
    """The first one counts; the second is kept whole, as envelope.id_conflict."""
    service = Service("auth")

    @service.consumer(INGRESS, role="auth", effects="transactional")
    async def auth(envelope, ctx):
        return envelope

    first = message()
    async with bench(service) as process:
        await process.publish(INGRESS, encode(first), "first")
        await process.arrived(AUTHENTICATED)
        await process.publish(INGRESS, encode(first.but(trace_id="another visit")), "same")
        await process.publish(INGRESS, encode(first.but(payload={"text": "other"})), "other")
        letter = await process.dead()

    assert letter.headers[REASON] == "envelope.id_conflict"
    assert b'"other"' in letter.data
    assert process.seen.repeats == 1
