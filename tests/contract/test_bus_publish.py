"""What every bus promises of publishing: stored once, refused with a code, full only at the door."""

from __future__ import annotations

import asyncio

import pytest

from bitbrat.bus import MAX_HEADER_BYTES, Message
from bitbrat.errors import BusError, BusFull
from tests.contract.buses import INGRESS, LOG, NEXT, STEP, BusRig, Wishes, copy_of, message, number, wire_ids


async def test_one_wire_id_is_stored_once(kind: BusRig) -> None:
    """The second publish says that it was a duplicate, and nobody gets it twice."""
    bus = await kind.open()
    listener = kind.listen(bus)
    one = message("same")

    receipts = [await bus.publish(STEP, one), await bus.publish(STEP, copy_of(one, b"other bytes"))]
    delivery = await listener.next()

    assert [receipt.duplicate for receipt in receipts] == [False, True]
    assert delivery.data == one.data
    assert await listener.quiet()


async def test_a_duplicate_inside_one_call_is_found_too(kind: BusRig) -> None:
    """Several messages that are published together are judged one by one."""
    bus = await kind.open()
    one = message("same")

    receipts = await bus.publish_many([(STEP, one), (STEP, message("other")), (STEP, one)])

    assert [receipt.duplicate for receipt in receipts] == [False, False, True]


async def test_an_acked_id_stays_known(kind: BusRig) -> None:
    """A late copy of what is done stores nothing."""
    bus = await kind.open()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("done"))
    await (await listener.next()).ack()

    receipt = await bus.publish(STEP, message("done"))

    assert receipt.duplicate
    assert await listener.quiet()


async def test_after_the_window_an_id_is_new_again(kind: BusRig) -> None:
    """The window is what it says; what must be once for ever is the inbox's work."""
    bus = await kind.open(Wishes(dedupe_window=0.3))
    await bus.publish(STEP, message("again"))
    await asyncio.sleep(0.8)

    receipt = await bus.publish(STEP, message("again"))

    assert not receipt.duplicate
    assert len(await kind.listen(bus).take(2)) == 2


async def test_many_at_once_are_each_stored_once(kind: BusRig) -> None:
    """Publishes side by side do not get into each other's way."""
    bus = await kind.open()
    sent = number(200)

    receipts = await asyncio.gather(*(bus.publish(STEP, one) for one in [*sent, *sent]))

    assert sum(receipt.duplicate for receipt in receipts) == 200
    assert len(set(wire_ids(await kind.listen(bus, max_in_flight=1_000).take(200)))) == 200


async def test_a_full_ingress_topic_says_so(kind: BusRig) -> None:
    """Over its limit it stores nothing and raises; what is in it is still there."""
    bus = await kind.open(Wishes(ingress_capacity=3))
    for one in number(3):
        await bus.publish(INGRESS, one)

    with pytest.raises(BusFull) as caught:
        await bus.publish(INGRESS, message("one too many"))

    assert caught.value.code == "bus.full"
    listener = kind.listen(bus, INGRESS, "auth")
    assert wire_ids(await listener.take(3)) == ["m0", "m1", "m2"]
    assert await listener.quiet()


async def test_hops_still_drain_while_ingress_is_full(kind: BusRig) -> None:
    """Every hop publishes before it acks: a full step topic could never drain, so only the door is shut."""
    bus = await kind.open(Wishes(ingress_capacity=3))
    listener = kind.listen(bus, INGRESS, "auth")
    for one in number(3):
        await bus.publish(INGRESS, one)
    delivery = await listener.next()

    await bus.publish(NEXT, message("next hop"))
    await bus.publish_many([(STEP, one) for one in number(100)] + [(LOG, one) for one in number(100)])
    await delivery.ack()
    receipt = await bus.publish(INGRESS, message("after"))

    assert not receipt.duplicate


async def test_an_id_that_was_refused_for_lack_of_room_is_not_known(kind: BusRig) -> None:
    """Who tries again when there is room gets it stored."""
    bus = await kind.open(Wishes(ingress_capacity=1))
    await bus.publish(INGRESS, message("first"))
    with pytest.raises(BusFull):
        await bus.publish(INGRESS, message("second"))

    await (await kind.listen(bus, INGRESS, "auth").next()).ack()
    receipt = await bus.publish(INGRESS, message("second"))

    assert not receipt.duplicate


async def test_what_stood_behind_a_refused_message_is_not_known_either(kind: BusRig) -> None:
    """When one of several is refused, each of them can be published again; none is taken for a duplicate and lost."""
    bus = await kind.open(Wishes(ingress_capacity=1))
    batch = [(INGRESS, message("fits")), (INGRESS, message("refused")), (STEP, message("behind"))]
    with pytest.raises(BusFull):
        await bus.publish_many(batch)
    await (await kind.listen(bus, INGRESS, "auth").next()).ack()

    await bus.publish_many(batch)

    assert (await kind.listen(bus).next()).headers["bb-wire-id"] == "behind"
    assert (await kind.listen(bus, INGRESS, "auth").next()).headers["bb-wire-id"] == "refused"


async def test_a_known_id_is_a_duplicate_also_when_it_is_full(kind: BusRig) -> None:
    """Whoever lost our answer learns that it is stored."""
    bus = await kind.open(Wishes(ingress_capacity=1))
    await bus.publish(INGRESS, message("first"))

    assert (await bus.publish(INGRESS, message("first"))).duplicate


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        ("bus.bad_header", message("id", **{"bb-type": "grüße"})),
        ("bus.bad_header", message("id", **{"bb-type": "two\r\nlines"})),
        ("bus.bad_header", message("id", **{"bb-type": "x" * MAX_HEADER_BYTES})),
        ("bus.bad_header", message("naïve id")),
        ("bus.forbidden_header", message("id", **{"Nats-Rollup": "all"})),
        ("envelope.too_large", Message("id", b"x" * 12_000_000)),
    ],
    ids=["not ASCII", "a line break", "too long", "an id that is not ASCII", "not on the list", "too many bytes"],
)
async def test_what_must_not_reach_a_broker_is_refused(kind: BusRig, code: str, bad: Message) -> None:
    """A bad header or too many bytes are refused before anything is stored, alone and among good ones."""
    bus = await kind.open()

    with pytest.raises(BusError) as caught:
        await bus.publish(STEP, bad)
    with pytest.raises(BusError):
        await bus.publish_many([(STEP, bad)])

    assert caught.value.code == code
    assert await kind.listen(bus).quiet()


async def test_what_is_as_large_as_allowed_goes_through(kind: BusRig) -> None:
    """The limit itself is not over the limit."""
    bus = await kind.open()
    largest = Message("largest", b"x" * bus.capabilities.max_size)

    await bus.publish(STEP, largest)

    assert (await kind.listen(bus).next()).data == largest.data
