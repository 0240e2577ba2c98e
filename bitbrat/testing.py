"""What the tests of service authors import: real hops on a memory bus and a memory store, no mocks.

sent = await deliver(service, an_envelope(text="!hello", slip=["greeter", "llm"]))

async with platform(auth, router, greeter, finalizer) as running:
    final = await running.ingest("!hello")
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from bitbrat.bus import Message
from bitbrat.codec import decode, encode
from bitbrat.envelope import Envelope, RoutingStep, Source, User
from bitbrat.errors import ConfigError
from bitbrat.hop import Silent
from bitbrat.hop.observer import HopEnd
from bitbrat.outcome import Dispatch
from bitbrat.runtime import Options, Runtime, build
from bitbrat.runtime.ports import open_bus, open_store
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
    """What a hop sent: where to, the envelope as it left, its wire id, for a retry the time before which it waits, and for a
    dead letter the code under which it is filed."""

    topic: str
    envelope: Envelope
    wire_id: str
    not_before: datetime | None = None
    reason: str | None = None


class Witness(Silent):
    """An observer that keeps what one hop sent, or why its message was refused."""

    def __init__(self) -> None:
        self.sent: list[Dispatch] = []
        self.refusals: list[str] = []

    def ended(self, end: HopEnd) -> None:
        """Keep it."""
        if end.dispatch is not None:
            self.sent.append(end.dispatch)

    def refused(self, topic: str, code: str, message: str) -> None:
        """Keep it."""
        self.refusals.append(f"{code} on {topic}: {message}")

    def trouble(self, where: str, error: BaseException) -> None:
        """Keep it."""
        self.refusals.append(f"{where}: {error!r}")


async def deliver(
    service: Service,
    envelope: Envelope,
    *,
    store: Store | None = None,
    settings: Any = None,
    world: World | None = None,
    steps: Iterable[str] = (),
) -> Sent:
    """Run one real hop of ``service`` for ``envelope`` and return what it sent first.

    The message is published on a memory bus to the topic of its current step (or, for a platform service, to the topic
    that it reads), taken from there, handled, decided, recorded, published and acknowledged. Raises ``config.bad`` when
    ``service`` does not listen there, ``AssertionError`` when the handler changed its input. ``steps`` are the names of
    other steps that this deployment has.
    """
    world, witness = world or RealWorld(), Witness()
    service, changed = _watched(service)
    settings = _defaults(service) if settings is None else settings
    runtime = build(
        [service],
        bus=open_bus("memory://", world),
        store=store or open_store("memory://", world),
        world=world,
        settings={service.name: settings},
        observer=witness,
    )
    topic, wire_id = _entry(service, envelope, settings)
    for other in {step.destination for step in envelope.routing_slip} - {known.name for known in runtime.registry}:
        runtime.registry.add(Topic(other, "step"))
    for name in steps:
        runtime.registry.add(Topic(step_topic(name), "step"), step=name)
    await runtime.store.open()
    await runtime.bus.ensure(runtime.registry)
    await runtime.bus.publish(topic, Message(wire_id, encode(envelope), {}))
    await _one_hop(runtime, service, topic)
    assert not changed, "the handler changed the envelope it was given"  # noqa: S101 - this is for tests
    if not witness.sent:
        raise AssertionError("; ".join(witness.refusals) or f"{service.name} sent nothing: this was the end")
    dispatch = witness.sent[0]
    return Sent(dispatch.topic, decode(encode(dispatch.envelope)), dispatch.wire_id, dispatch.not_before, dispatch.reason)


def _watched(service: Service) -> tuple[Service, list[Envelope]]:
    """The same service with its handlers watched, and the envelopes that one of them has changed."""
    changed: list[Envelope] = []

    def watching(handler: Callable[[Envelope, Any], Awaitable[Any]]) -> Callable[[Envelope, Any], Awaitable[Any]]:
        async def handle(envelope: Envelope, ctx: Any) -> Any:
            before = encode(envelope)
            try:
                return await handler(envelope, ctx)
            finally:
                if encode(envelope) != before:
                    changed.append(envelope)

        return handle

    watched = copy.copy(service)
    watched.steps = [replace(spec, handler=watching(spec.handler)) for spec in service.steps]
    return watched, changed


def _defaults(service: Service) -> Any:
    """The service's settings as they are when nobody has set any; None where it has none, or needs one to be set."""
    try:
        return service.settings() if service.settings is not None else None
    except ValidationError:
        return None


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
        await runner.run(await anext(deliveries))
    finally:
        await deliveries.aclose()
        await runtime.bus.close()


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
    runtime = build(
        services,
        bus=open_bus("memory://", world),
        store=store or open_store("memory://", world),
        world=world,
        settings={service.name: _defaults(service) for service in services} | dict(settings or {}),
        options=options,
    )
    for topic in topics:
        runtime.registry.add(topic)
    await runtime.start()
    try:
        yield Platform(runtime)
    finally:
        await runtime.stop()
