"""What every bus promises of a message on its way: waiting, sharing, settling, coming back."""

from __future__ import annotations

import asyncio

from tests.contract.buses import LOG, NEXT, STEP, BusRig, Wishes, ids_of, message, number, wire_ids


async def test_what_is_published_before_anyone_listens_waits(kind: BusRig) -> None:
    """A service that starts late gets what was sent to it."""
    bus = await kind.open()
    await bus.publish(STEP, message("early"))

    delivery = await kind.listen(bus).next()

    assert delivery.headers["bb-wire-id"] == "early"
    assert delivery.topic == STEP
    assert delivery.deliveries == 1


async def test_bytes_and_headers_arrive_as_they_were_sent(kind: BusRig) -> None:
    """Every byte value survives, and so does every header; only the wire id is added."""
    bus = await kind.open()
    data = bytes(range(256)) * 16
    headers = {
        "bb-type": "chat.message",
        "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "bb-reason": 'a: b, "c"; =',
        "bb-group": "",
    }
    await bus.publish(STEP, message("binary", data, **headers))

    delivery = await kind.listen(bus).next()

    assert delivery.data == data
    assert dict(delivery.headers) == {**headers, "bb-wire-id": "binary"}


async def test_an_empty_message_is_a_message(kind: BusRig) -> None:
    """No bytes and no headers are delivered, too: it is the codec's to refuse them."""
    bus = await kind.open()
    await bus.publish(STEP, message("empty", b""))

    assert (await kind.listen(bus).next()).data == b""


async def test_members_of_one_group_share(kind: BusRig) -> None:
    """Of sixteen consumers of a group exactly one gets each message."""
    bus = await kind.open()
    sent = number(400)
    got: list[str] = []
    everything = asyncio.Event()

    async def member() -> None:
        async for delivery in bus.consume(STEP, "step", max_in_flight=4):
            got.append(delivery.headers["bb-wire-id"])
            await delivery.ack()
            if len(got) >= len(sent):
                everything.set()

    members = [asyncio.create_task(member()) for _ in range(16)]
    await bus.publish_many([(STEP, one) for one in sent])
    await asyncio.wait_for(everything.wait(), 60)
    await bus.close()
    await asyncio.wait_for(asyncio.gather(*members), 60)

    assert sorted(got) == ids_of(sent)


async def test_each_group_of_a_log_topic_gets_every_message(kind: BusRig) -> None:
    """What one group settles stays there for the other one."""
    bus = await kind.open()
    first, second = kind.listen(bus, LOG, "first"), kind.listen(bus, LOG, "second")
    sent = number(5)
    await bus.publish_many([(LOG, one) for one in sent])

    of_first = await first.take(5)
    for delivery in of_first:
        await delivery.ack()
    of_second = await second.take(5)

    assert wire_ids(of_first) == wire_ids(of_second) == ids_of(sent)


async def test_an_ack_is_final(kind: BusRig) -> None:
    """What is acked does not come back when its lease would have been over."""
    bus = await kind.open_with_short_lease()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("once"))

    await (await listener.next()).ack()

    assert await listener.quiet(2.5 * kind.declaration.shortest_lease)


async def test_a_term_is_final(kind: BusRig) -> None:
    """What is given up does not come back either."""
    bus = await kind.open_with_short_lease()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("once"))

    await (await listener.next()).term()

    assert await listener.quiet(2.5 * kind.declaration.shortest_lease)


async def test_a_nak_comes_back_and_never_early(kind: BusRig) -> None:
    """The delay has passed when it is there again, and it has been handed out twice then."""
    bus = await kind.open()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("later"))
    delivery = await listener.next()

    before = kind.world.monotonic()
    await delivery.nak(delay=0.3)
    again = await listener.next()

    assert kind.world.monotonic() - before >= 0.3
    assert again.deliveries == 2
    assert again.data == delivery.data


async def test_naks_come_back_by_their_delays(kind: BusRig) -> None:
    """A short delay does not wait behind a long one, and others pass them both."""
    bus = await kind.open()
    listener = kind.listen(bus)
    await bus.publish_many([(STEP, message("long")), (STEP, message("short")), (STEP, message("none"))])
    delays = {"long": 1.5, "short": 0.1}

    first = await listener.take(3)
    for delivery in first:
        if wait := delays.get(delivery.headers["bb-wire-id"]):
            await delivery.nak(delay=wait)
    again = [(await listener.next()).headers["bb-wire-id"] for _ in range(2)]

    assert again == ["short", "long"]


async def test_a_nak_without_delay_comes_back_at_once(kind: BusRig) -> None:
    """At shutdown what has not started is put back for the next process."""
    bus = await kind.open()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("back"))

    await (await listener.next()).nak(delay=0.0)

    assert (await listener.next()).deliveries == 2


async def test_what_nobody_settles_comes_back(kind: BusRig) -> None:
    """When the lease is over, another consumer gets it, as the second delivery."""
    bus = await kind.open_with_short_lease()
    silent, other = kind.listen(bus), kind.listen(bus)
    await bus.publish(STEP, message("held"))
    held = await silent.next()

    again = await other.next()

    assert again.headers["bb-wire-id"] == held.headers["bb-wire-id"]
    assert again.deliveries == 2


async def test_a_lost_lease_makes_room(kind: BusRig) -> None:
    """A consumer that lets a lease run out may take a message again: it does not stand still for ever."""
    bus = await kind.open_with_short_lease()
    listener = kind.listen(bus, max_in_flight=1)
    await bus.publish(STEP, message("held"))
    await listener.next()

    assert (await listener.next()).deliveries == 2


async def test_extending_keeps_a_message(kind: BusRig) -> None:
    """Somebody who is still at work does not lose it, however long that takes."""
    lease = max(1.0, kind.declaration.shortest_lease)
    bus = await kind.open(Wishes(lease=lease))
    busy, other = kind.listen(bus), kind.listen(bus)
    await bus.publish(STEP, message("long"))
    delivery = await busy.next()

    quiet = True
    for _ in range(16):
        await delivery.extend()
        quiet = quiet and await other.quiet(lease / 10)

    assert quiet


async def test_extending_one_does_not_keep_another(kind: BusRig) -> None:
    """Each message has a lease of its own: what nobody extends comes back meanwhile."""
    bus = await kind.open(Wishes(lease=max(1.0, kind.declaration.shortest_lease)))
    busy, other = kind.listen(bus), kind.listen(bus)
    await bus.publish_many([(STEP, message("extended")), (STEP, message("left"))])
    in_hand = {delivery.headers["bb-wire-id"]: delivery for delivery in await busy.take(2)}

    for _ in range(100):
        await in_hand["extended"].extend()
        if not await other.quiet(0.1):
            break

    assert (await other.next()).headers["bb-wire-id"] == "left"


async def test_settling_twice_is_harmless(kind: BusRig) -> None:
    """The first word counts: no later nak, ack, term or extend changes anything."""
    bus = await kind.open_with_short_lease()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("once"))
    delivery = await listener.next()

    await delivery.ack()
    await delivery.nak(delay=0.0)
    await delivery.term()
    await delivery.ack()
    await delivery.extend()

    assert await listener.quiet(2.5 * kind.declaration.shortest_lease)


async def test_an_ack_after_a_nak_changes_nothing(kind: BusRig) -> None:
    """What was put back comes back."""
    bus = await kind.open()
    listener = kind.listen(bus)
    await bus.publish(STEP, message("back"))
    delivery = await listener.next()

    await delivery.nak(delay=0.0)
    await delivery.ack()

    assert (await listener.next()).deliveries == 2


async def test_no_more_are_in_flight_than_asked_for(kind: BusRig) -> None:
    """The fourth message waits until one of three is settled."""
    bus = await kind.open()
    listener = kind.listen(bus, max_in_flight=3)
    sent = number(4)
    await bus.publish_many([(STEP, one) for one in sent])
    in_hand = await listener.take(3)

    assert await listener.quiet(0.2)
    await in_hand[0].ack()
    last = await listener.next()
    assert wire_ids([*in_hand, last]) == ids_of(sent)


async def test_what_is_put_back_makes_room(kind: BusRig) -> None:
    """A message that waits for its delay is not in flight."""
    bus = await kind.open()
    listener = kind.listen(bus, max_in_flight=1)
    await bus.publish_many([(STEP, message("later")), (STEP, message("other"))])
    first = await listener.next()

    await first.nak(delay=30.0)
    second = await listener.next()

    assert wire_ids([first, second]) == ["later", "other"]


async def test_topics_do_not_mix(kind: BusRig) -> None:
    """A consumer gets the messages of its topic and no other."""
    bus = await kind.open()
    await bus.publish_many([(STEP, message("for-step")), (NEXT, message("for-next"))])

    delivery = await kind.listen(bus, NEXT, "next").next()

    assert delivery.headers["bb-wire-id"] == "for-next"
