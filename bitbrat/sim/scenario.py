"""One history: processes, events, faults; then everything is mended, becomes quiet, and is checked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.resources import files
from itertools import pairwise
from typing import Any, cast

from bitbrat.bus import Message
from bitbrat.envelope import User
from bitbrat.errors import BitBratError
from bitbrat.hop import Silent
from bitbrat.ingest import Ingest
from bitbrat.service import Service
from bitbrat.sim.broker import Broker, Retention
from bitbrat.sim.bus import SimBus
from bitbrat.sim.check import check
from bitbrat.sim.database import Database
from bitbrat.sim.faults import Faults, Occurrence
from bitbrat.sim.loop import SimLoop, run
from bitbrat.sim.mouth import mouth
from bitbrat.sim.outside import Outside
from bitbrat.sim.plants import CORRECT, PLANTS
from bitbrat.sim.process import LEASE, Process
from bitbrat.sim.steps import Book, Place, services, tenant
from bitbrat.sim.store import SimStore
from bitbrat.sim.workload import CONNECTIONS, Event, events, garbage
from bitbrat.sim.world import Chronicle, SimWorld
from bitbrat.topics import COMPLETE, EGRESS, INGRESS

LAYOUT = {
    "core-0": ("auth", "router", "finalizer", "dlq", "planner"),
    "core-1": ("auth", "router", "finalizer", "dlq", "planner"),
    "work-0": ("works", "calls"),
    "work-1": ("works", "calls"),
    "edge-0": ("mouth",),
}
"""Process → its services."""
QUIET_WITHIN = 120.0
BACK, AHEAD = -3600.0, 300.0
"""How far a wall clock jumps, in seconds. A retry that was put off by a clock ahead waits for as long, idle."""


@dataclass(frozen=True)
class Plan:
    """What a history is made of. Times in seconds."""

    events: int = 10
    over: float = 5.0
    chaos: float = 8.0
    retention: Retention = "workqueue"
    plant: str = ""


@dataclass(frozen=True)
class Report:
    """What came of a seed. ``violations`` in the order in which they were found."""

    seed: int
    violations: tuple[tuple[str, str], ...]
    fired: tuple[Occurrence, ...]
    reached: dict[str, int]
    events: int
    trace: str
    lines: tuple[str, ...] = field(default=(), repr=False)


def simulate(seed: int, plan: Plan | None = None, *, only: Iterable[Occurrence] | None = None, keep: bool = False) -> Report:
    """The history of ``seed``; with ``only``, exactly those faults happen. ``keep`` keeps every line of the trace."""
    plan = plan or Plan()
    scenario = Scenario(seed, plan, Faults(seed, only=only), Chronicle(keep=keep))
    return run(scenario.play())


class Scenario:
    """The world of one seed."""

    def __init__(self, seed: int, plan: Plan, faults: Faults, chronicle: Chronicle) -> None:
        self.seed = seed
        self.plan = plan
        self.faults = faults
        self.chronicle = chronicle
        self.world = SimWorld(seed, faults, chronicle)
        self.broker = Broker(self.world, retention=plan.retention, lease=LEASE)
        self.bug = PLANTS[plan.plant] if plan.plant else CORRECT
        self.database = Database(self.world, tables=self.bug.tables, locked=self.bug.locked)
        self.book, self.outside = Book(), Outside()
        self.events: list[Event] = []
        self.accepted: dict[str, Event] = {}
        self.attempted: set[str] = set()
        self.letters: dict[str, bytes] = {}
        self.processes: list[Process] = []
        self.jumped = False

    async def play(self) -> Report:
        """Chaos, healing, quiet, check."""
        loop = cast(SimLoop, asyncio.get_running_loop())
        self.faults.clock = loop.time
        self.processes = [self._process(name, loop) for name in LAYOUT]
        for process in self.processes:
            process.start()
        await asyncio.sleep(1.0)
        self.events = events(self.seed, self.plan.events, self.plan.over, self.faults)
        sources = [loop.create_task(self._source(event)) for event in self.events]
        sources.append(loop.create_task(self._vandal()))
        nemesis = loop.create_task(self._nemesis())
        await asyncio.sleep(self.plan.chaos)
        nemesis.cancel()
        self._heal()
        await asyncio.gather(*sources)
        await self._quiesce()
        check(self)
        for process in self.processes:
            process.kill()
        found = self.chronicle
        return Report(
            self.seed,
            tuple(found.violations),
            tuple(self.faults.fired),
            dict(found.reached),
            found.count,
            found.digest(),
            tuple(found.lines),
        )

    # The processes

    def _process(self, name: str, loop: SimLoop) -> Process:
        skew = (self.world.random() - 0.5) * 0.8
        return Process(name, loop, self.world, self.broker, self.database, self._compose, skew, self.bug)

    def _compose(self, process: Process, view: SimWorld, store: SimStore) -> tuple[Sequence[Service], dict[str, Any]]:
        """The real services, and the workload's."""
        place = Place(view, store, self.book, self.outside, lambda: process.kill(restart=0.1 + view.random()), process.pause)
        own = {**services(place), "mouth": mouth(view, self.outside)}
        names = LAYOUT[process.name.split(".")[0]]
        found = [own.get(name) or _real(name) for name in names]
        return found, _settings(names)

    def interruptions(self, hop: str, attempt: int) -> int:
        """How many starts of an attempt something may have cut off before its decision was stored."""
        times = [one.at for one in self.book.starts if one.hop == hop and one.attempt == attempt]
        windows = pairwise(times)
        return sum(any(since - LEASE <= at <= until for at in self.faults.disruptions) for since, until in windows)

    # What comes in

    async def _source(self, event: Event) -> None:
        await asyncio.sleep(event.at)
        for _ in range(event.times):
            await self._deliver(event)

    async def _deliver(self, event: Event) -> None:
        """An event of a source that tries again until it is accepted, as EventSub does."""
        ingest = Ingest(self.bug.bus(self.broker, self.world), self.world, Silent())
        for _ in range(50):
            try:
                envelope = await ingest(
                    event.id,
                    event.type,
                    event.payload,
                    platform="sim",
                    connection=event.connection,
                    channel="chan",
                    user=User(id=f"u{event.connection}", name="ann", display_name="Ann", profile_image_url="", role="viewer"),
                    egress_destination=EGRESS,
                )
            except BitBratError:
                await asyncio.sleep(0.3 + self.world.random())
            else:
                self.accepted[envelope.id] = event
                return

    async def _vandal(self) -> None:
        """Bytes that are no envelope, on topics that are read."""
        bus = SimBus(self.broker, self.world)
        for number in range(self.plan.events):
            if self.faults.hit("malformed_bytes"):
                how = self.faults.how("malformed_bytes")
                data, topic = garbage(number), how.choice((INGRESS, COMPLETE, "internal.tx.v1", "internal.note.v1"))
                await asyncio.sleep(how.random())
                try:
                    await bus.publish(topic, Message(f"garbage-{number}", data, {}))
                except BitBratError:
                    continue
                self.letters[topic + str(number)] = data

    # What goes wrong

    async def _nemesis(self) -> None:
        while True:
            await asyncio.sleep(0.2 + self.world.random())
            self._strike()

    def _strike(self) -> None:
        faults = self.faults
        if faults.hit("kill"):
            how = faults.how("kill")
            how.choice(self.processes).kill(restart=how.uniform(0.05, 1.0))
        if faults.hit("sigterm"):
            faults.how("sigterm").choice(self.processes).terminate()
        if faults.hit("pause"):
            how = faults.how("pause")
            how.choice(self.processes).pause(how.choice((how.uniform(1, 5), how.uniform(1, 40))))
        if faults.hit("restart_storm"):
            for process in self.processes:
                process.kill(restart=faults.how("restart_storm").uniform(0.1, 1.0))
        if faults.hit("broker_crash"):
            self.broker.crash()
        if faults.hit("leader_gap"):
            self.broker.leaderless_until = self.world.monotonic() + faults.how("leader_gap").uniform(5, 9)
        if faults.hit("clock_jump"):
            how = faults.how("clock_jump")
            self.jumped = True
            how.choice(self.processes).set_clock(how.choice((BACK, BACK, AHEAD)))

    def _heal(self) -> None:
        """No faults from here on; everybody is there."""
        self.world.note("heal")
        self.faults.on = False
        self.broker.leaderless_until = -1.0
        for process in self.processes:
            if abs(process.skew) >= AHEAD:
                process.set_clock(0.0)
            process.resume()
            process.start()

    async def _quiesce(self) -> None:
        """Until nothing is under way, but not for longer than is promised."""
        until = self.world.monotonic() + QUIET_WITHIN + (AHEAD if self.jumped else 0.0)
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0.5)
            quiet = quiet + 1 if self._is_quiet() else 0
            if self.world.monotonic() > until:
                return

    def _is_quiet(self) -> bool:
        return not self.broker.unsettled() and not self.database.tables.unsent_now()


def _real(name: str) -> Service:
    """A service of the platform, by its name."""
    service = copy(cast(Service, import_module(f"services.{name}").service))
    # Fewer workers than in production: there are only a few events, and every restart makes them all again.
    service.consumers = [replace(spec, concurrency=4) for spec in service.consumers]
    return service


def _settings(names: Sequence[str]) -> dict[str, Any]:
    """The settings of the platform's services."""
    found: dict[str, Any] = {}
    if "auth" in names:
        auth = import_module("services.auth")
        found["auth"] = auth.AuthSettings(tenants={name: tenant(name) for name in CONNECTIONS})
    if "router" in names:
        router = import_module("services.router")
        rules = str(files("bitbrat.sim") / "rules.yaml")
        found["router"] = router.RouterSettings(rules=rules, default_slip=("plan",), reload_seconds=60.0, strict_steps=False)
    return found
