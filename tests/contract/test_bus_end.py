"""What every bus promises of the end: of a consumer, of the bus, and, where it lasts, of the process."""

from __future__ import annotations

import asyncio

import pytest

from bitbrat.bus import Bus
from bitbrat.errors import BusError
from tests.contract.buses import LOG, STEP, BusRig, Wishes, ids_of, message, number, wire_ids


async def reopen(kind: BusRig, bus: Bus) -> Bus:
    """The next process on the same place."""
    await bus.close()
    return await kind.open()


async def test_a_bus_says_what_it_can_do(kind: BusRig) -> None:
    """What is printed at start is what the declaration says, and what was asked for."""
    bus = await kind.open(Wishes(lease=11.0, dedupe_window=130.0))
    able = bus.capabilities

    assert (able.name, able.durable, able.shared) == (kind.declaration.name, kind.declaration.durable, kind.declaration.shared)
    assert (able.lease, able.dedupe_window) == (11.0, 130.0)
    assert able.max_size >= 256 * 1024


async def test_a_closed_consumer_leaves_its_messages_to_others(kind: BusRig) -> None:
    """What it had not handed out is there for the next one at once."""
    bus = await kind.open()
    sent = number(20)
    await bus.publish_many([(STEP, one) for one in sent])
    first = kind.listen(bus)
    in_hand = await first.take(1)

    await first.close()
    others = await kind.listen(bus).take(19)

    assert wire_ids(in_hand + others) == ids_of(sent)


async def test_what_is_in_hand_can_be_settled_after_its_consumer_closed(kind: BusRig) -> None:
    """A drain stops pulling first and finishes what runs."""
    bus = await kind.open_with_short_lease()
    first = kind.listen(bus)
    await bus.publish(STEP, message("running"))
    delivery = await first.next()

    await first.close()
    await delivery.ack()

    assert await kind.listen(bus).quiet(2.5 * kind.declaration.shortest_lease)


async def test_a_consumer_that_is_cancelled_while_it_waits_loses_nothing(kind: BusRig) -> None:
    """The message that comes then goes to somebody who is there."""
    bus = await kind.open()
    waiting = kind.listen(bus)
    assert await waiting.quiet()

    await waiting.close()
    await bus.publish(STEP, message("later"))

    assert (await kind.listen(bus).next()).deliveries == 1


async def test_a_consumer_that_is_cancelled_as_a_message_comes_loses_nothing(kind: BusRig) -> None:
    """Also when both happen in the same moment."""
    bus = await kind.open_with_short_lease()
    cancelled, other = kind.listen(bus), kind.listen(bus)
    assert await cancelled.quiet()
    assert await other.quiet()

    await bus.publish(STEP, message("now"))
    await cancelled.close()
    delivery = await other.next()

    assert delivery.headers["bb-wire-id"] == "now"


async def test_closing_ends_every_consumer(kind: BusRig) -> None:
    """Loops over deliveries come to their end by themselves."""
    bus = await kind.open()
    idle, full = kind.listen(bus), kind.listen(bus, LOG, "first", max_in_flight=1)
    await bus.publish_many([(LOG, one) for one in number(2)])
    await full.next()
    assert await idle.quiet()
    assert await full.quiet()

    await bus.close()

    assert await idle.ended()
    assert await full.ended()


async def test_a_closed_bus_takes_nothing(kind: BusRig) -> None:
    """Publishing raises; the other calls do no harm."""
    bus = await kind.open()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("in hand"))
    delivery = await listener.next()
    await bus.close()

    with pytest.raises(BusError) as caught:
        await bus.publish(STEP, message("late"))

    assert caught.value.code == "bus.closed"
    assert not await bus.healthy()
    await delivery.extend()
    await delivery.nak(delay=1.0)
    await bus.close()


async def test_a_consumer_of_a_closed_bus_ends_at_once(kind: BusRig) -> None:
    """Who comes during the shutdown has nothing to do."""
    bus = await kind.open()
    await bus.publish(STEP, message("waits"))
    await bus.close()

    assert await kind.listen(bus).ended()


async def test_an_open_bus_is_healthy(kind: BusRig) -> None:
    """Readiness asks it."""
    bus = await kind.open()

    assert await bus.healthy()


async def test_publishes_under_way_are_stored_when_it_closes(kind: BusRig) -> None:
    """Closing does not throw away what was begun: each call returns, or says that the bus is closed."""
    bus = await kind.open()
    publishing = asyncio.gather(*(bus.publish(STEP, one) for one in number(50)), return_exceptions=True)
    await asyncio.sleep(0)
    await bus.close()

    results = await publishing

    assert {result.code for result in results if isinstance(result, BusError)} <= {"bus.closed", "bus.unavailable"}


async def test_the_next_process_need_not_wait_for_a_lease(durable: BusRig) -> None:
    """What was in hand when the bus closed is there at once, as a second delivery; the rest as a first one."""
    bus = await durable.open()
    await bus.publish_many([(STEP, one) for one in number(5)])
    in_hand = await durable.listen(bus).take(2)

    bus = await reopen(durable, bus)
    again = await durable.listen(bus).take(5)

    counts = {delivery.headers["bb-wire-id"]: delivery.deliveries for delivery in again}
    assert counts == {name: 2 if name in wire_ids(in_hand) else 1 for name in ids_of(number(5))}


async def test_what_was_acked_stays_gone(durable: BusRig) -> None:
    """The next process gets exactly what is not done, on step topics and on logs."""
    bus = await durable.open()
    for topic, group in ((STEP, "step"), (LOG, "first")):
        await bus.publish_many([(topic, one) for one in number(10)])
        for place, delivery in enumerate(await durable.listen(bus, topic, group).take(10)):
            if place % 2:
                await delivery.ack()

    bus = await reopen(durable, bus)

    assert wire_ids(await durable.listen(bus, STEP, "step").take(5)) == ["m0", "m2", "m4", "m6", "m8"]
    log = durable.listen(bus, LOG, "first")
    assert wire_ids(await log.take(5)) == ["m0", "m2", "m4", "m6", "m8"]
    assert await log.quiet()
    assert len(await durable.listen(bus, LOG, "second").take(10)) == 10


async def test_a_nak_outlives_the_process(durable: BusRig) -> None:
    """It comes back in the next one, not before its time, and its count goes on."""
    bus = await durable.open()
    await bus.publish(STEP, message("later"))
    before = durable.world.monotonic()
    await (await durable.listen(bus).next()).nak(delay=0.5)

    bus = await reopen(durable, bus)
    again = await durable.listen(bus).next()

    assert durable.world.monotonic() - before >= 0.5
    assert again.deliveries == 2


async def test_topics_outlive_the_process(durable: BusRig) -> None:
    """What exists is found again without being asked for."""
    bus = await durable.open()
    before = await bus.topics()
    await bus.close()

    again = await durable.open(topics=())

    assert await again.topics() == before


async def test_wire_ids_outlive_the_process(durable: BusRig) -> None:
    """A retry from before the restart is still a duplicate."""
    bus = await durable.open()
    await bus.publish(STEP, message("before"))

    bus = await reopen(durable, bus)

    assert (await bus.publish(STEP, message("before"))).duplicate
