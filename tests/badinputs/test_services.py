"""The corpus against running services: what cannot be read ends in the dead letters byte for byte, and good events go on."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bitbrat import Context, Envelope, Handled, Next, Outcome, Reroute, Service, Skip, codec
from bitbrat.bus import ALLOWED_HEADERS, REASON, SOURCE_TOPIC, TRACEPARENT, Message
from bitbrat.envelope import RoutingStep
from bitbrat.errors import BusError
from bitbrat.slip import onward
from bitbrat.testing import Platform, an_envelope, platform
from bitbrat.topics import AUTHENTICATED, COMPLETE, DLQ, EGRESS, INGRESS, REROUTE
from bitbrat.world import RealWorld
from services.auth import service as auth
from services.dlq import service as dlq
from services.finalizer import service as finalizer
from services.ingress_egress import service as edge
from services.router import service as router
from tests.badinputs.corpus import BadInput, load_corpus
from tests.unit.law import been

LIMIT = codec.LIMITS.message
echo = Service("echo")


@echo.step("internal.echo.v1")
async def answer(envelope: Envelope, ctx: Context) -> Outcome:
    """Do what the text says."""
    text = envelope.payload["text"]
    return {"skip": Skip(), "handled": Handled(reply="done"), "again": Reroute("again")}.get(text) or Next()


TOPICS = [INGRESS, AUTHENTICATED, REROUTE, "internal.echo.v1", EGRESS, COMPLETE]
UNREADABLE = [
    entry for entry in load_corpus() if entry.code and not entry.on and max(map(len, entry.inputs)) <= LIMIT and len(entry.inputs) == 1
]


@asynccontextmanager
async def everything() -> AsyncIterator[Platform]:
    """The platform's own services and one step."""
    async with platform(edge, auth, router, echo, finalizer, dlq) as running:
        yield running


async def _letters(running: Platform, count: int, *, seconds: float = 10.0) -> list[Any]:
    """The first dead letters there are, acknowledged."""
    deliveries: Any = running.runtime.bus.consume(DLQ, "test", max_in_flight=16)
    found = []
    try:
        async with asyncio.timeout(seconds):
            while len(found) < count:
                found.append(await anext(deliveries))
                await found[-1].ack()
    finally:
        await deliveries.aclose()
    return found


async def _settled(running: Platform, *, seconds: float = 5.0) -> None:
    """Wait until nothing is unacknowledged: step topics are empty, and every group of a log has settled its last message."""
    bus: Any = running.runtime.bus
    async with asyncio.timeout(seconds):
        while not all(_is_settled(topic) for topic in bus._topics.values()):
            await asyncio.sleep(0.005)


def _is_settled(topic: Any) -> bool:
    if topic.kind != "log":
        return not topic.messages
    return all(position.floor == max(topic.messages, default=0) for position in topic.positions)


async def _publish(running: Platform, topic: str, data: bytes, identity: str = "", **headers: str) -> None:
    await running.runtime.bus.publish(topic, Message(identity or RealWorld().new_id(), data, headers))


async def _send(running: Platform, envelope: Envelope, **headers: str) -> None:
    dispatch = onward(envelope)
    await _publish(running, dispatch.topic, codec.encode(envelope), dispatch.wire_id, **headers)


def _message(*slip: str, **changes: Any) -> Envelope:
    return an_envelope(slip=list(slip), **{"id": RealWorld().new_id(), **changes})


@pytest.mark.parametrize("topic", TOPICS)
async def test_unreadable_bytes_are_dead_letters_byte_for_byte(topic: str) -> None:
    """Every refused entry of the corpus, to every service: same bytes, its code, and a good event is served afterwards."""
    async with everything() as running:
        for number, entry in enumerate(UNREADABLE):
            await _publish(running, topic, entry.inputs[0], f"bad:{number}")
        letters = await _letters(running, len({entry.inputs[0] for entry in UNREADABLE}))
        record = await running.ingest("hi")
        await _settled(running)

    assert record.outcome == "completed"
    assert {letter.headers[SOURCE_TOPIC] for letter in letters} == {topic}
    came = {hashlib.sha256(letter.data).hexdigest(): letter.headers[REASON] for letter in letters}
    assert came == {hashlib.sha256(entry.inputs[0]).hexdigest(): entry.code for entry in UNREADABLE}


@pytest.mark.parametrize("entry", [entry for entry in load_corpus() if entry.on and entry.code], ids=lambda entry: entry.id)
async def test_a_message_on_a_topic_that_is_not_its_steps(entry: BadInput) -> None:
    """Rows 25 and 29: nothing runs, the bytes are kept."""
    step, ran = Service("one"), []

    @step.step(entry.on)
    async def handler(envelope: Envelope, ctx: Context) -> Outcome:
        ran.append(envelope.id)
        return Next()

    async with platform(step, finalizer, dlq) as running:
        await _publish(running, entry.on, entry.inputs[0])
        [letter] = await _letters(running, 1)

    assert (letter.headers[REASON], letter.data, ran) == (entry.code, entry.inputs[0], [])


async def test_24_a_step_that_nobody_has() -> None:
    """``slip.unroutable``: the step ends in ERROR and the envelope completes as failed."""
    envelope = _message("echo", "nobody")
    async with everything() as running:
        await _send(running, envelope)
        record = await running.final(envelope.id)

    assert (record.outcome, record.code) == ("failed", "slip.unroutable")


async def test_28_no_completion_destination() -> None:
    """The dead letters take the whole envelope under ``slip.no_completion``."""
    async with everything() as running:
        await _send(running, _message("echo", finalization_destination=None))
        [letter] = await _letters(running, 1)

    assert letter.headers[REASON] == "slip.no_completion"
    assert codec.decode(letter.data).routing_slip[0].status == "OK"


async def test_30_a_finalised_envelope_again() -> None:
    """One final record. The same hop again is acknowledged; another one is counted as surplus. Nothing is dead-lettered."""
    envelope = _message("echo")
    done = envelope.but(routing_slip=(envelope.routing_slip[0].but(status="OK"),))
    async with everything() as running:
        await _publish(running, COMPLETE, codec.encode(done))
        first = await running.final(envelope.id)
        await _publish(running, COMPLETE, codec.encode(done))
        await _settled(running)
        same = await running.final(envelope.id)
        await _publish(running, COMPLETE, codec.encode(done.but(payload={"text": "other"}, trail=been("router"))))
        await _settled(running)
        other = await running.final(envelope.id)
        with pytest.raises(TimeoutError):
            await _letters(running, 1, seconds=0.05)

    assert (first.outcome, first.surplus, same) == ("completed", 0, first)
    assert (other.at, other.data, other.surplus) == (first.at, first.data, 1)


@pytest.mark.parametrize("garbage", ["", "garbage", "00-xyz-1-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-00", "x" * 900])
async def test_33_a_trace_header_that_is_garbage(garbage: str) -> None:
    """Headers are hints: the event is served without them, and with nonsense in them."""
    envelope = _message("echo")
    async with everything() as running:
        await _send(running, envelope, **({TRACEPARENT: garbage} if garbage else {}))
        record = await running.final(envelope.id)

    assert record.outcome == "completed"


@pytest.mark.parametrize("size", [codec.LIMITS.message + 1, 10_000_000])
async def test_38_a_message_over_the_limit(size: int) -> None:
    """Refused at publish, on every topic; nothing is stored."""
    async with everything() as running:
        limit = running.runtime.bus.capabilities.max_size
        assert limit >= codec.LIMITS.message
        with pytest.raises(BusError) as refused:
            await _publish(running, INGRESS, b"x" * max(size, limit + 1))

    assert refused.value.code == "envelope.too_large"


async def test_36_a_deadline_in_the_past() -> None:
    """Optional steps are skipped, the others run, no chat reply is sent, and the envelope completes."""
    optional = RoutingStep(id="echo", status="PENDING", destination="internal.echo.v1", attributes={"optional": "true"})
    envelope = _message("echo", text="hi", deadline=RealWorld().now() - timedelta(hours=1))
    envelope = envelope.but(routing_slip=(optional, *envelope.routing_slip))
    async with everything() as running:
        await _send(running, envelope)
        record = await running.final(envelope.id)

    assert record.outcome == "completed"
    assert [step.status for step in codec.decode(record.data).routing_slip] == ["SKIP", "OK"]


async def test_36_a_reply_after_the_deadline() -> None:
    """It is settled as ``egress.too_late`` and not said; the envelope completes once."""
    envelope = _message("echo", text="handled", deadline=RealWorld().now() - timedelta(hours=1))
    async with everything() as running:
        await _send(running, envelope)
        record = await running.final(envelope.id)

    delivered = codec.decode(record.data).replies[0].delivered
    assert record.outcome == "handled"
    assert delivered is not None
    assert delivered.error is not None
    assert delivered.error.code == "egress.too_late"


async def test_35_attributes_that_look_like_headers() -> None:
    """Nothing from a slip's attributes or a payload becomes a header; they travel as data."""
    evil = {"Nats-Rollup": "all", "Nats-Expected-Last-Sequence": "0", "goog-x": "1", "bb-reason": "forged"}
    step = RoutingStep(id="echo", status="PENDING", destination="internal.echo.v1", attributes=evil)
    envelope = _message(payload=evil).but(routing_slip=(step,))
    async with everything() as running:
        deliveries: Any = running.runtime.bus.consume(COMPLETE, "test", max_in_flight=1)
        await _send(running, envelope)
        async with asyncio.timeout(5):
            delivery = await anext(deliveries)
        await delivery.ack()
        await deliveries.aclose()

    assert set(delivery.headers) <= ALLOWED_HEADERS - {"bb-reason"}
    assert codec.decode(delivery.data).routing_slip[0].attributes == evil
