"""A simulated process: started, killed, stopped for a while, asked to end, and started again, any number of times."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from typing import Any

from bitbrat.envelope import RoutingStep
from bitbrat.hop import Silent
from bitbrat.hop.observer import HopEnd
from bitbrat.runtime import Options, Runtime, build
from bitbrat.service import Service
from bitbrat.sim.broker import Broker
from bitbrat.sim.database import Database
from bitbrat.sim.loop import INCARNATION, Incarnation, SimLoop
from bitbrat.sim.plants import Plant
from bitbrat.sim.store import SimStore
from bitbrat.sim.world import SimWorld

LEASE = 3.0
OPTIONS = Options(lease=LEASE, drain=0.5)
GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL, as Cloud Run has it."""


class Told(Silent):
    """What the hops of a process tell, as far as it matters here."""

    def __init__(self, world: SimWorld) -> None:
        self._world = world

    def resent(self, count: int) -> None:  # noqa: ARG002 - the observer's signature
        """The relay had something to do."""
        self._world.sometimes("relay re-sent")

    def final_duplicate(self, envelope_id: str) -> None:  # noqa: ARG002 - the observer's signature
        """A surplus arrival."""
        self._world.sometimes("final duplicate counted")

    def ended(self, end: HopEnd) -> None:
        """Reroutes, and steps that were skipped because of their deadline."""
        if end.outcome == "reroute":
            self._world.sometimes("reroute")
        step: RoutingStep | None = end.dispatch.envelope.routing_slip[end.index] if end.dispatch and end.index is not None else None
        if end.outcome == "skip" and step is not None and step.notes == "deadline":
            self._world.sometimes("deadline skip")

    def trouble(self, where: str, error: BaseException) -> None:
        """What was put back, and why."""
        self._world.note("trouble", where, type(error).__name__, str(error).splitlines()[0] if str(error) else "")


Compose = Callable[["Process", SimWorld, SimStore], tuple[Sequence[Service], dict[str, Any]]]
"""The services of a process and their settings, made anew for each incarnation."""


class Process:
    """``name``; ``compose`` makes its services. ``skew``: how far its wall clock is off, in seconds."""

    def __init__(
        self, name: str, loop: SimLoop, world: SimWorld, broker: Broker, database: Database, compose: Compose, skew: float, plant: Plant
    ) -> None:
        self.name = name
        self.incarnation: Incarnation | None = None
        self.skew = skew
        self.stays_down = False
        self._loop = loop
        self._world = world
        self._broker = broker
        self._database = database
        self._compose = compose
        self._plant = plant
        self._lives = 0
        self._stop: asyncio.Event | None = None
        self._view: SimWorld | None = None
        self._runtime: Runtime | None = None

    @property
    def up(self) -> bool:
        """Whether there is a living incarnation."""
        return self.incarnation is not None and not self.incarnation.dead

    def start(self) -> None:
        """A new incarnation, unless one lives."""
        if self.up:
            return
        self._lives += 1
        incarnation = self.incarnation = Incarnation(f"{self.name}.{self._lives}", born=self._loop.time())
        context = contextvars.Context()
        context.run(INCARNATION.set, incarnation)
        self._world.note("up", incarnation.name)
        self._stop = asyncio.Event()
        self._loop.create_task(self._live(incarnation, self._stop), context=context)

    async def _live(self, incarnation: Incarnation, stop: asyncio.Event) -> None:
        view = self._view = self._world.view(incarnation.name, skew=self.skew)
        store = self._plant.store(self._database, view)
        services, settings = self._compose(self, view, store)
        runtime = self._runtime = self.build(services, settings, view, store)
        await runtime.start()
        await stop.wait()
        await runtime.stop()
        self._world.note("down", incarnation.name)
        self.kill(restart=0.5)

    def build(self, services: Sequence[Service], settings: dict[str, Any], view: SimWorld, store: SimStore) -> Runtime:
        """Exactly what production composes, on this process's bus and store."""
        bus = self._plant.bus(self._broker, view)
        runtime = build(services, bus=bus, store=store, world=view, settings=settings, observer=Told(view), options=OPTIONS)
        self._plant.alter(runtime)
        return runtime

    def kill(self, *, restart: float | None = None) -> None:
        """``kill -9``. ``restart``: seconds until the next incarnation."""
        incarnation = self.incarnation
        if incarnation is None or incarnation.dead:
            return
        incarnation.dead = True
        incarnation.ended = self._loop.time()
        incarnation.backlog.clear()
        self._world.note("kill", incarnation.name)
        self._world.faults.disruptions.append(self._loop.time())
        self._database.left(incarnation)
        self._broker.left(incarnation)
        if restart is not None:
            self._loop.later(restart, self.start)

    def terminate(self) -> None:
        """SIGTERM; ten seconds later SIGKILL."""
        incarnation = self.incarnation
        if incarnation is None or incarnation.dead or self._stop is None:
            return
        self._world.note("sigterm", incarnation.name)
        self._world.faults.disruptions.append(self._loop.time())
        if self._runtime is not None and len(self._runtime.shared.keeper):
            self._world.sometimes("drain with work in hand")
        self._stop.set()
        self._loop.later(GRACE, self._too_late, incarnation)

    def _too_late(self, incarnation: Incarnation) -> None:
        if incarnation is self.incarnation and not incarnation.dead:
            self.kill(restart=0.5)

    def pause(self, seconds: float) -> None:
        """SIGSTOP for so long."""
        incarnation = self.incarnation
        if incarnation is not None and not incarnation.dead and not incarnation.paused:
            self._world.note("pause", incarnation.name, round(seconds, 3))
            incarnation.paused = True
            self._loop.later(seconds, self._resume, incarnation)

    def _resume(self, incarnation: Incarnation) -> None:
        if incarnation.paused and not incarnation.dead:
            self._world.note("resume", incarnation.name)
            self._loop.resume(incarnation)

    def resume(self) -> None:
        """SIGCONT now."""
        if self.incarnation is not None:
            self._resume(self.incarnation)

    def set_clock(self, skew: float) -> None:
        """The wall clock jumps."""
        self.skew = skew
        if self._view is not None:
            self._view.skew = skew
