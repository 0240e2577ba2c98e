"""A running process: services, a bus, a store and a world, composed.

``build`` needs no settings, so that tests and the simulation compose exactly what production runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from bitbrat.bus import Bus
from bitbrat.codec import LIMITS, Limits
from bitbrat.context import Log, ServiceContext
from bitbrat.hop import Consumer, HopRunner, Observer, Relay, Routes, Sender, Shared, Silent
from bitbrat.ingest import Ingest
from bitbrat.lease import LeaseKeeper
from bitbrat.outcome import Dispatch
from bitbrat.runtime.registry import registry_of
from bitbrat.service import BackgroundTask, Service
from bitbrat.step import ConsumerSpec, StepSpec
from bitbrat.store import Store
from bitbrat.topics import TopicRegistry
from bitbrat.world import World

if TYPE_CHECKING:
    import aiohttp

RESTART_AFTER = (0.5, 30.0)
"""First and longest wait, in seconds, before a background task that failed is started again."""


@dataclass(frozen=True)
class Options:
    """How a process runs; times in seconds. ``drain``: how long what runs may take after a stop is asked for."""

    lease: float = 30.0
    drain: float = 7.0
    relay_grace: float = 2.0
    relay_poll: float = 1.0
    limits: Limits = LIMITS


class Trouble(NamedTuple):
    """Why a process is not ready: a code of the catalogue, and the cause in words."""

    code: str
    cause: str


class NoLog:
    """A logger that says nothing."""

    def info(self, event: str, **fields: Any) -> None:
        """Nothing."""

    def warning(self, event: str, **fields: Any) -> None:
        """Nothing."""

    def error(self, event: str, **fields: Any) -> None:
        """Nothing."""


@dataclass
class _Around:
    """What the contexts of one service see of the process."""

    world: World
    log: Log
    settings: Any
    state: Any
    process: Runtime

    @property
    def registry(self) -> TopicRegistry:
        return self.process.registry

    def count(self, name: str, labels: Mapping[str, str]) -> None:
        self.process.observer.counted(name, labels)

    def gauge(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        self.process.observer.measured(name, value, labels)

    def http(self) -> aiohttp.ClientSession:
        return self.process.http()


@dataclass
class Runtime:
    """A process: started once, stopped once. ``settings`` and ``logs`` by service name."""

    services: Sequence[Service]
    bus: Bus
    store: Store
    world: World
    settings: Mapping[str, Any] = field(default_factory=dict)
    observer: Observer = field(default_factory=Silent)
    logs: Mapping[str, Log] = field(default_factory=dict)
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        self.registry = registry_of(self.services, self.settings)
        self.registry.complete = not self.bus.capabilities.shared
        self.ingest = Ingest(self.bus, self.world, self.observer, self.options.limits)
        self.ready = False
        self._arounds = {
            one.name: _Around(
                self.world, self.logs.get(one.name, NoLog()), self.settings.get(one.name), one.state() if one.state else None, self
            )
            for one in self.services
        }
        self.owner = self.world.token(8)
        self._consumers: list[Consumer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        sender = Sender(self.bus, self.observer, self.options.limits)
        relay = Relay(self.store, sender, self.observer, grace=self.options.relay_grace, poll=self.options.relay_poll)
        keeper = LeaseKeeper(self.store, owner=self.owner, lease=self.options.lease)
        routes = Routes(self.bus, self.registry, self.observer)
        self.shared = Shared(self.bus, self.store, self.world, self.registry, routes, sender, relay, keeper, self.observer)

    async def start(self) -> None:
        """Open the store, make sure of the topics, begin to consume, then let the outside in."""
        await self.store.open()
        await self.bus.ensure(self.registry)
        self.shared.keeper.start()
        self.shared.relay.start()
        for service in self.services:
            self._consumers += self.consumers_of(service)
        for consumer in self._consumers:
            consumer.start()
        for service in self.services:
            for task in service.tasks:
                supervised = self._supervise(service, task)
                self._tasks.append(asyncio.get_running_loop().create_task(supervised, name=f"{service.name}.{task.__name__}"))
        self.ready = True

    async def stop(self) -> None:
        """Finish or put back what is in hand, let go of everything. Idempotent.

        Connections live until the handlers are done: a reply that is being sent needs its connection. What they still let
        in is on the bus for the next start.
        """
        self.ready = False
        await asyncio.gather(*(consumer.stop(self.options.drain) for consumer in self._consumers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.shared.relay.stop()
        await self.shared.keeper.stop()
        if self._session is not None:
            await self._session.close()
        await self.bus.close()
        await self.store.close()
        self._tasks, self._consumers, self._session = [], [], None

    async def trouble(self) -> Trouble | None:
        """Why this process is not ready, or None."""
        if not self.ready:
            return Trouble("http.not_ready", "starting or stopping")
        if not await self.bus.healthy():
            return Trouble("bus.unavailable", "the bus does not answer")
        if not await self.store.healthy():
            return Trouble("store.unavailable", "the store does not answer")
        missing = {topic.name for topic in self.registry} - set(await self.bus.topics())
        if missing:
            return Trouble("slip.unroutable", f"these topics are not on the bus: {', '.join(sorted(missing))}")
        paused = next((consumer.paused_for for consumer in self._consumers if consumer.paused_for), "")
        return Trouble("http.not_ready", paused) if paused else None

    async def send(self, dispatch: Dispatch) -> None:
        """Put an operator's replay on its way: into the outbox first, then published."""
        lawful = await self.shared.routes.lawful(dispatch, now=self.world.now())
        row = self.shared.sender.outgoing(lawful, hop=None)
        await self.store.enqueue([row])
        await self.store.mark_sent(await self.shared.sender.send([row]))

    def state_of(self, service: Service) -> Any:
        """What ``service`` keeps in this process."""
        return self._arounds[service.name].state

    def context_of(self, service: Service) -> ServiceContext:
        """What the routes and background tasks of ``service`` see."""
        return ServiceContext(self._around(service), self.ingest, self.store)

    def http(self) -> aiohttp.ClientSession:
        """The process's shared HTTP client, made when it is first asked for."""
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self._session

    def _around(self, service: Service) -> _Around:
        return self._arounds[service.name]

    def consumers_of(self, service: Service) -> list[Consumer]:
        """The consumers of ``service``, not started."""
        around = self._around(service)
        specs: list[tuple[StepSpec | ConsumerSpec, str]] = [(spec, spec.topic) for spec in service.steps]
        specs += [(spec, name) for spec in service.consumers for name in spec.names(around.settings)]
        return [Consumer(HopRunner(spec, topic=topic, group=service.name, shared=self.shared, around=around)) for spec, topic in specs]

    async def _supervise(self, service: Service, task: BackgroundTask) -> None:
        """A background task that fails is started again, ever more slowly; it never takes the process with it."""
        wait, most = RESTART_AFTER
        while True:
            try:
                await task(self.context_of(service))
                return
            except Exception as error:
                self.observer.trouble(f"{service.name}.{task.__name__}", error)
            await asyncio.sleep(wait * (1 + self.world.random() / 2))
            wait = min(wait * 2, most)


def build(
    services: Sequence[Service],
    *,
    bus: Bus,
    store: Store,
    world: World,
    settings: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    options: Options | None = None,
    logs: Mapping[str, Log] | None = None,
) -> Runtime:
    """A process of ``services``, ready to start. Needs no settings but those of the services that have some."""
    return Runtime(services, bus, store, world, settings or {}, observer or Silent(), logs or {}, options or Options())


@contextlib.asynccontextmanager
async def running(runtime: Runtime) -> Any:
    """The process, started, and stopped at the end of the block."""
    try:
        await runtime.start()
        yield runtime
    finally:
        await runtime.stop()
