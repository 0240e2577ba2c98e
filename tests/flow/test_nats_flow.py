"""The core services over a NATS server, with an SQLite store; and processes that share a group."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bitbrat.adapters.nats_bus import NatsBus
from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.bus import Message
from bitbrat.operations import failures
from bitbrat.runtime import Options, build, running
from bitbrat.testing import Platform, an_envelope
from bitbrat.world import RealWorld
from services.auth import service as auth
from services.dlq import service as dlq
from services.finalizer import FinalizerSettings
from services.finalizer import service as finalizer
from services.greeter import service as greeter
from services.router import RouterSettings
from services.router import service as router
from tests.contract.on_nats import a_corner, nats_bus
from tests.flow.test_core_flow import Toys, until
from tests.nats_server import stop_all

ROOT = Path(__file__).parents[2]
LEASE = 2.0
RULES = """
- {id: hello, match: {command: "!hello"}, slip: [greeter]}
- {id: broken, match: {command: "!broken"}, slip: [{step: broken, maxAttempts: 2}, greeter]}
- {id: work, match: {command: "!work"}, slip: [work]}
"""


@pytest.fixture(scope="module", autouse=True)
def servers():
    """The shared servers end with this file."""
    yield
    stop_all()


@pytest.fixture(params=["nats", "nats-new"])
async def place(request, tmp_path) -> AsyncIterator[str]:
    """A corner of each server."""
    async with a_corner(request.param)(tmp_path) as found:
        yield found


@asynccontextmanager
async def core(place: str, toys: Toys, tmp_path: Path) -> AsyncIterator[Platform]:
    """Everything but the worker."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    settings = {"router": RouterSettings(rules=str(rules)), "finalizer": FinalizerSettings(sweep_seconds=0.05)}
    world = RealWorld()
    bus: NatsBus = nats_bus(place, world, lease=LEASE)
    services = (auth, router, greeter, finalizer, dlq, toys.steps, toys.egress)
    runtime = build(
        services, bus=bus, store=SqliteStore(tmp_path / "flow.db", world), world=world, settings=settings, options=Options(lease=LEASE)
    )
    async with running(runtime):
        yield Platform(runtime)


class Worker:
    """A worker process of our own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.begun: list[str] = []
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, place: str) -> Worker:
        """One that is ready."""
        arguments = [*place.split(" "), str(LEASE)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.flow.nats_worker", *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert process.stdout is not None
        assert (await asyncio.wait_for(process.stdout.readline(), 60)) == b"ready\n"
        return cls(process)

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it; ours, by its id."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()
        await self._listening

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.begun.append(line.decode().strip())


async def test_a_message_goes_through_every_core_service(place, tmp_path):
    """From ingress to the final record, over a real server."""
    toys = Toys()
    async with core(place, toys, tmp_path) as platform:
        record = await platform.ingest("!hello", user=an_envelope().user)

    assert (record.outcome, record.code, record.surplus) == ("handled", "", 0)
    assert toys.said == ["Hello, An Admin User!"]
    assert [visit["service"] for visit in record.detail["visits"]] == ["ingress", "auth", "router", "egress"]


async def test_failures_and_dead_letters_end_there_too(place, tmp_path):
    """A step that always fails, and bytes that nobody can read, are both on the operators' list."""
    toys = Toys()
    async with core(place, toys, tmp_path) as platform:
        failed = await platform.ingest("!broken")
        await platform.runtime.bus.publish("internal.greeter.v1", Message("poison", b"{not json", {}))

        async def two() -> bool:
            return len(await failures(platform.runtime.store)) == 2

        await until(two)
        found = await failures(platform.runtime.store)

    assert (failed.outcome, failed.code) == ("failed", "step.crashed")
    assert {record.outcome for record in found} == {"failed", "dead_lettered"}
    assert b"{not json" in {record.data for record in found}


async def test_a_hundred_at_once_each_have_one_final_record(place, tmp_path):
    """Nothing is lost, nothing comes twice."""
    toys = Toys()
    async with core(place, toys, tmp_path) as platform:
        records = await asyncio.gather(*(platform.ingest("!hello", user=an_envelope().user) for _ in range(100)))

    assert {(record.outcome, record.surplus) for record in records} == {("handled", 0)}
    assert len({record.id for record in records}) == 100 == len(toys.said)


async def test_two_processes_share_a_group_and_one_is_killed(place, tmp_path):
    """Both take part; what the killed one had in hand goes to the other when its lease is over."""
    toys = Toys()
    first, second = await asyncio.gather(Worker.start(place), Worker.start(place))
    try:
        async with core(place, toys, tmp_path) as platform:
            asked = [asyncio.create_task(platform.ingest("!work", seconds=40)) for _ in range(120)]
            while not (len(first.begun) > 10 and len(second.begun) > 10):
                await asyncio.sleep(0.01)
            await first.end()
            records = await asyncio.gather(*asked)
    finally:
        await asyncio.gather(first.end(), second.end(signal.SIGTERM))

    assert {record.outcome for record in records} == {"handled"}
    assert len({record.id for record in records}) == 120
    assert {text.rpartition(" ")[2] for text in toys.said} == {str(first.process.pid), str(second.process.pid)}
