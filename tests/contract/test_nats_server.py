"""What the NATS bus does when its server dies, is flooded, changes, or is not what it must be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import nats
import pytest

from bitbrat.adapters.nats_bus import NatsBus
from bitbrat.bus import Delivery
from bitbrat.config.nats import NatsSettings
from bitbrat.errors import BitBratError, BusFull, BusUnavailable, ConfigError
from bitbrat.topics import Topic
from tests import components
from tests.contract.buses import INGRESS, NEXT, STEP, TOPICS, Listener, message, number
from tests.contract.on_nats import nats_bus
from tests.nats_server import NatsServer, new_prefix

STREAM = "bitbrat-step"
Ask = Callable[..., Any]


@pytest.fixture(params=["nats", "nats-new"])
def program(request: pytest.FixtureRequest) -> Path:
    """Each server program."""
    return components.require(request.param, components.find(request.param))


@pytest.fixture
async def server(program: Path) -> AsyncIterator[NatsServer]:
    """A server of the test's own."""
    made = NatsServer(program)
    await made.start()
    yield made
    made.remove()


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[NatsBus]:
    """A bus on it, with the topics of the suite and a lease of a second."""
    made = nats_bus(server.url, lease=1.0)
    await made.ensure(TOPICS)
    yield made
    await made.close()


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Ask]:
    """What an operator does to the server: a request to JetStream's interface."""
    client = await nats.connect(server.url)

    async def request(subject: str, body: dict[str, Any] | None = None) -> Any:
        return json.loads((await client.request(f"$JS.API.{subject}", json.dumps(body).encode() if body else b"", timeout=5)).data)

    yield request
    await client.close()


async def test_a_server_that_is_killed_in_mid_flow_loses_nothing(server: NatsServer, bus: NatsBus) -> None:
    """What was published before, during and after the kill arrives; publisher and consumer go on by themselves."""
    sent, seen, everything = number(600), set[str](), asyncio.Event()
    stored: set[str] = set()

    async def consume() -> None:
        async for delivery in bus.consume(STEP, "step", max_in_flight=20):
            seen.add(delivery.headers["bb-wire-id"])
            await delivery.ack()
            if len(seen) == len(sent):
                everything.set()

    async def publish() -> None:
        for one in sent:
            await bus.publish(STEP, one)
            stored.add(one.id)

    consuming, publishing = asyncio.create_task(consume()), asyncio.create_task(publish())
    for _ in range(2):
        enough = len(stored) + 100
        while len(stored) < enough:
            await asyncio.sleep(0.005)
        server.kill()
        await server.start()
    await asyncio.wait_for(publishing, 60)
    await asyncio.wait_for(everything.wait(), 60)
    consuming.cancel()

    assert seen == {one.id for one in sent} == stored
    assert await bus.healthy()


async def test_a_server_that_stays_away_is_said_and_waited_for(server: NatsServer) -> None:
    """A publish gives up in time with its code; what is published when the server is back goes through."""
    impatient = nats_bus(server.url, settings=NatsSettings(publish_seconds=1, ingress_bytes=4 * 1024**2))
    await impatient.ensure(TOPICS)
    listener = Listener(impatient, STEP, "step", 10)
    assert await listener.quiet()
    server.kill()

    with pytest.raises(BusUnavailable) as caught:
        await impatient.publish(STEP, message("lost"))
    sick = await impatient.healthy()
    await server.start()
    while not await impatient.healthy():
        await asyncio.sleep(0.05)
    await impatient.publish(STEP, message("found"))

    assert (caught.value.code, sick) == ("bus.unavailable", False)
    assert (await listener.next()).headers["bb-wire-id"] == "found"
    await listener.close()
    await impatient.close()


async def test_a_server_that_is_not_there_is_said_at_start() -> None:
    """With the reason."""
    nowhere = nats_bus("nats://127.0.0.1:9", settings=NatsSettings(connect_seconds=0.5))

    with pytest.raises(BusUnavailable) as caught:
        await nowhere.ensure(TOPICS)

    assert "refused" in caught.value.why.lower()
    assert not await nowhere.healthy()
    await nowhere.close()


async def test_a_flooded_door_is_full_while_hops_drain(server: NatsServer) -> None:
    """A megabyte at the door is enough; what is inside goes on from hop to hop."""
    bus = nats_bus(server.url, settings=NatsSettings(ingress_bytes=1024**2))
    await bus.ensure(TOPICS)
    flood = [message(f"f{n}", b"x" * 100_000) for n in range(20)]
    listener = Listener(bus, INGRESS, "auth", 4)

    results = await asyncio.gather(*(bus.publish(INGRESS, one) for one in flood), return_exceptions=True)
    refused = [one for one, result in zip(flood, results, strict=True) if isinstance(result, BusFull)]
    for n in range(len(flood) - len(refused)):
        delivery = await listener.next()
        await bus.publish(NEXT, message(f"h{n}", delivery.data))
        await delivery.ack()
    after = await bus.publish(INGRESS, refused[0])

    assert 5 < len(refused) < len(flood)
    assert not after.duplicate
    await listener.close()
    await bus.close()


async def test_a_consumer_that_is_deleted_is_said_and_not_made_again(bus: NatsBus, ask: Ask) -> None:
    """Who deletes it may know why; the reader ends with a code and health is red."""
    listener = Listener(bus, STEP, "step", 10)
    assert await listener.quiet()
    assert await bus.healthy()

    await ask(f"CONSUMER.DELETE.{STREAM}.internal_step_v1__step")
    with pytest.raises(BitBratError) as caught:
        await listener.next()
    again = await ask(f"CONSUMER.NAMES.{STREAM}")

    assert caught.value.code == "bus.changed"
    assert not await bus.healthy()
    assert "internal_step_v1__step" not in again["consumers"]
    await listener.close()


async def test_a_stream_that_is_deleted_turns_health_red(bus: NatsBus, ask: Ask) -> None:
    """Also in a process that only publishes."""
    await ask(f"STREAM.DELETE.{STREAM}")

    assert not await bus.healthy()


@pytest.mark.parametrize(
    ("name", "value"), [("max_age", 3_600 * 10**9), ("discard", "old"), ("max_bytes", 10_000_000), ("max_msgs_per_subject", 1_000)]
)
async def test_a_stream_that_could_lose_is_refused_and_turns_health_red(
    server: NatsServer, bus: NatsBus, ask: Ask, name: str, value: Any
) -> None:
    """The error names the difference, and nothing is put right without a word."""
    config = (await ask(f"STREAM.INFO.{STREAM}"))["config"]
    said = await ask(f"STREAM.UPDATE.{STREAM}", {**config, name: value})
    assert "error" not in said, said

    other = nats_bus(server.url, lease=1.0)
    with pytest.raises(ConfigError) as caught:
        await other.ensure(TOPICS)

    assert caught.value.code == "config.breaks_promise"
    assert name in caught.value.message
    assert not await bus.healthy()
    assert (await ask(f"STREAM.INFO.{STREAM}"))["config"][name] == value
    await other.close()


@pytest.mark.parametrize(("name", "more"), [("max_deliver", {"max_deliver": 5}), ("backoff", {"max_deliver": 5, "backoff": [10**9]})])
async def test_a_durable_that_gives_up_is_refused(server: NatsServer, ask: Ask, name: str, more: dict[str, Any]) -> None:
    """After so many deliveries a message would lie there for ever, seen by nobody."""
    bus = nats_bus(server.url)
    await bus.ensure([Topic(STEP, "step")])
    durable = {"durable_name": "internal_step_v1__step", "filter_subject": STEP, "ack_policy": "explicit", **more}
    said = await ask(f"CONSUMER.DURABLE.CREATE.{STREAM}.internal_step_v1__step", {"stream_name": STREAM, "config": durable})
    assert "error" not in said, said

    with pytest.raises(ConfigError) as caught:
        await bus.ensure(TOPICS)

    assert name in caught.value.message
    await bus.close()


async def test_another_lease_and_more_topics_are_put_right(server: NatsServer, bus: NatsBus, ask: Ask) -> None:
    """A new deployment may change those."""
    other = nats_bus(server.url, lease=7.0)
    await other.ensure([*TOPICS, Topic("internal.more.v1", "step", ("more",))])

    durable = (await ask(f"CONSUMER.INFO.{STREAM}.internal_step_v1__step"))["config"]

    assert durable["ack_wait"] == 7 * 10**9
    assert (await bus.topics())["internal.more.v1"] == "step"
    assert not (await bus.publish("internal.more.v1", message("new"))).duplicate
    await other.close()


async def test_many_processes_that_start_at_once_make_every_topic(server: NatsServer) -> None:
    """Each adds its own to the same stream."""
    buses = [nats_bus(server.url) for _ in range(6)]
    await asyncio.gather(*(one.ensure([Topic(f"internal.s{n}.v1", "step", (f"g{n}",))]) for n, one in enumerate(buses)))

    known = [set(await one.topics()) for one in buses]

    assert known == [{f"internal.s{n}.v1" for n in range(6)}] * 6
    for one in buses:
        await one.close()


async def test_a_group_of_another_process_owns_its_topic(server: NatsServer, bus: NatsBus) -> None:
    """Two deployments that want one step topic are told, whoever came first."""
    other = nats_bus(server.url)

    with pytest.raises(ConfigError) as caught:
        await other.ensure([Topic(STEP, "step", ("thief",))])

    assert caught.value.code == "config.two_groups"
    await other.close()


async def test_two_prefixes_share_a_server_and_nothing_else(server: NatsServer) -> None:
    """Names, messages and ids are apart."""
    one, two = nats_bus(f"{server.url} {new_prefix()}"), nats_bus(f"{server.url} {new_prefix()}")
    await one.ensure(TOPICS)
    await two.ensure([Topic(STEP, "step", ("other",))])

    receipts = [await each.publish(STEP, message("same")) for each in (one, two)]

    assert [receipt.duplicate for receipt in receipts] == [False, False]
    assert set(await two.topics()) == {STEP}
    for each in (one, two):
        await each.close()


async def test_headers_of_strangers_do_not_come_in(bus: NatsBus, server: NatsServer) -> None:
    """Somebody else's message on our subject has our headers at most, as plain text."""
    client = await nats.connect(server.url)
    await client.jetstream().publish(STEP, b"x", headers={"Nats-Msg-Id": "s1", "X-Own": "1", "bb-type": "chat"})
    listener = Listener(bus, STEP, "step", 1)

    delivery = await listener.next()

    assert dict(delivery.headers) == {"bb-wire-id": "s1", "bb-type": "chat"}
    await listener.close()
    await client.close()


async def test_what_a_slow_holder_has_not_asked_for_yet_stays_his(bus: NatsBus) -> None:
    """Taken ahead and not handed out: kept for longer than a lease, and delivered once."""
    listener = Listener(bus, STEP, "step", 50)
    await bus.publish_many([(STEP, one) for one in number(40)])
    first: list[Delivery] = []
    for delivery in await listener.take(20):
        first.append(delivery)
        await delivery.ack()
    await asyncio.sleep(2.5)

    rest = await listener.take(20)

    assert [delivery.deliveries for delivery in first + rest] == [1] * 40
    await listener.close()
