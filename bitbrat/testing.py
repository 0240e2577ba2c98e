"""What the tests of service authors import: real hops on a memory bus and a memory store, no mocks.

sent = await deliver(service, an_envelope(text="!hello", slip=["greeter", "llm"]))

async with platform(auth, router, greeter, finalizer) as running:
    final = await running.ingest("!hello")
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bitbrat.adapters.memory_bus import MemoryBus
from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.bus import Capabilities, Delivery, Message, Receipt
from bitbrat.codec import decode, encode
from bitbrat.envelope import Envelope, RoutingStep, Source, User
from bitbrat.errors import ConfigError
from bitbrat.hop import HopRunner
from bitbrat.runtime import Options, Runtime, build
from bitbrat.service import Service
from bitbrat.slip import onward
from bitbrat.store import FinalRecord, Store
from bitbrat.topics import COMPLETE, EGRESS, Topic, step_topic
from bitbrat.world import RealWorld, World

__all__ = ["Platform", "Sent", "an_envelope", "deliver", "platform"]


def an_envelope(
    *, text: str = "Hello World!", slip: Sequence[str | RoutingStep] = (), payload: Mapping[str, Any] | None = None, **changes: Any
) -> Envelope:
    """A chat message of "An Admin User" on its way, as the contract's example has it.

    ``slip`` holds step names (they listen on ``internal.<name>.v1``) or steps; ``payload`` is added to the text;
    ``changes`` are fields of the envelope by their Python names.
    """
    envelope = Envelope(
        v="1",
        id="1234567890",
        correlation_id="1234567890",
        trace_id="0af7651916cd43dd8448eb211c80319c",
        timestamp=RealWorld().now(),
        type="external.chat.message.v1",
        source=Source(platform="twitch", channel="my_channel", channel_id="424325252", egress_destination=EGRESS),
        user=User(id="1234567890", name="an_admin_user", display_name="An Admin User", profile_image_url="", role="moderator"),
        routing_slip=tuple(_step(step) for step in slip),
        finalization_destination=COMPLETE,
        payload={"text": text, **(payload or {})},
    )
    return decode(encode(envelope.but(**changes)))


def _step(step: str | RoutingStep) -> RoutingStep:
    return step if isinstance(step, RoutingStep) else RoutingStep(id=step, status="PENDING", destination=step_topic(step))


@dataclass(frozen=True)
class Sent:
    """What a hop sent: where to, the envelope as it left, and its wire id. A retry's ``not_before`` is on its step."""

    topic: str
    envelope: Envelope
    wire_id: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Recorder:
    """A bus that notes what is published on its way to the bus behind it."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self.published: list[tuple[str, Message]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the bus behind it."""
        return self._bus.capabilities

    async def publish(self, topic: str, message: Message) -> Receipt:
        """Publish and note it."""
        receipt = await self._bus.publish(topic, message)
        self.published.append((topic, message))
        return receipt


async def deliver(
    service: Service, envelope: Envelope, *, store: Store | None = None, settings: Any = None, world: World | None = None
) -> Sent:
    """Run one real hop of ``service`` for ``envelope`` and return what it sent first.

    The message is published on a memory bus to the topic of its current step (or, for a platform service, to the topic
    that it reads), taken from there, handled, decided, recorded, published and acknowledged. Raises ``config.bad`` when
    ``service`` does not listen there, ``AssertionError`` when the handler changed its input.
    """
    world = world or RealWorld()
    bus = Recorder(MemoryBus(world))
    runtime = build([service], bus=bus, store=store or MemoryStore(world), world=world, settings={service.name: settings})
    topic, wire_id = _entry(service, envelope, settings)
    for other in envelope.routing_slip:
        runtime.registry.add(Topic(other.destination, "step"))
    runtime.registry.add(Topic(topic, runtime.registry.get(topic).kind if topic in runtime.registry else "step"))  # type: ignore[union-attr]
    await runtime.store.open()
    await bus.ensure(runtime.registry)
    before = copy.deepcopy(envelope.to_wire())
    await bus.publish(topic, Message(wire_id, encode(envelope), {}))
    bus.published.clear()
    await _one_hop(runtime, service, topic)
    assert envelope.to_wire() == before, "the handler changed the envelope it was given"  # noqa: S101 - this is for tests
    sent = bus.published or [(row.topic, Message(row.wire_id, row.data, row.headers)) for row in await _held(runtime.store)]
    await bus.close()
    if not sent:
        raise AssertionError(f"{service.name} sent nothing")
    return Sent(sent[0][0], decode(sent[0][1].data), sent[0][1].id, sent[0][1].headers)


def _entry(service: Service, envelope: Envelope, settings: Any) -> tuple[str, str]:
    """The topic on which ``service`` gets ``envelope``, and the wire id."""
    for consumer in service.consumers:
        return consumer.names(settings)[0], f"{envelope.id}:{consumer.role}:0"
    dispatch = onward(envelope)
    if all(step.topic != dispatch.topic for step in service.steps):
        raise ConfigError("config.bad", f"{service.name} does not listen on {dispatch.topic}, where this envelope goes next")
    return dispatch.topic, dispatch.wire_id


async def _one_hop(runtime: Runtime, service: Service, topic: str) -> None:
    runner = next(consumer.runner for consumer in runtime.consumers_of(service) if consumer.runner.topic == topic)
    deliveries: Any = runtime.bus.consume(topic, service.name, max_in_flight=1)
    try:
        delivery: Delivery = await anext(deliveries)
        await _run(runner, delivery)
    finally:
        await deliveries.aclose()


async def _run(runner: HopRunner, delivery: Delivery) -> None:
    if await runner.run(delivery) is not None:
        raise AssertionError("the hop was put back: something that it needs is not available")


async def _held(store: Store) -> list[Any]:
    """What waits in the outbox, due or not."""
    return list(await store.waiting(limit=10))


class Platform:
    """A whole platform in this process, for flow tests. ``runtime`` is the real one."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def ingest(
        self, text: str = "", *, event_type: str = "external.chat.message.v1", seconds: float = 10.0, **changes: Any
    ) -> FinalRecord:
        """Send a chat message (or any event) in and wait for its final record."""
        values: dict[str, Any] = {"platform": "twitch", "connection": "twitch", "channel": "my_channel", "egress_destination": EGRESS}
        payload = {"text": text, **changes.pop("payload", {})}
        envelope = await self.runtime.ingest(changes.pop("source_event_id", ""), event_type, payload, **(values | changes))
        return await self.final(envelope.id, seconds=seconds)

    async def final(self, envelope_id: str, *, seconds: float = 10.0) -> FinalRecord:
        """The final record of an envelope, waited for."""
        async with asyncio.timeout(seconds):
            while True:
                record = await self.runtime.store.final(envelope_id)
                if record is not None and record.outcome != "pending_reply":
                    return record
                await asyncio.sleep(0.01)


@asynccontextmanager
async def platform(
    *services: Service,
    settings: Mapping[str, Any] | None = None,
    store: Store | None = None,
    world: World | None = None,
    options: Options | None = None,
    topics: Iterable[Topic] = (),
) -> AsyncIterator[Platform]:
    """``services``, running together on a memory bus until the block ends. ``topics`` are added to the deployment's."""
    world = world or RealWorld()
    runtime = build(services, bus=MemoryBus(world), store=store or MemoryStore(world), world=world, settings=settings, options=options)
    for topic in topics:
        runtime.registry.add(topic)
    await runtime.start()
    try:
        yield Platform(runtime)
    finally:
        await runtime.stop()
