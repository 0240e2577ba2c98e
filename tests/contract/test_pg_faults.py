"""PostgreSQL and its clients are killed in the middle: whole units are there, every promised one is, and work goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from bitbrat.adapters.pg_store import PgStore
from bitbrat.config.pg_url import PgAddress
from bitbrat.errors import StoreUnavailable
from bitbrat.store import Hop
from tests import postgres_server
from tests.components import postgres, require
from tests.contract.stores import message

ROOT = Path(__file__).resolve().parents[2]

_CHILD = """
import asyncio, itertools, json, os, sys
from bitbrat.adapters.pg_store import PgStore
from bitbrat.config.pg_url import PgAddress
from bitbrat.store import Hop, Outgoing, Write

async def leased(store, number):
    hop = Hop("leased", f"{number}:0")
    claim = await store.claim(hop, owner="child", lease=60, max_starts=9)
    assert claim.state == "run", claim
    await store.commit(hop, "done", [Outgoing(f"l{number}", "t", b"x")], owner="child", writes=[Write("leased", str(number), 1)])

async def transactional(store, number):
    hop = Hop("tx", f"{number}:0")
    async with store.transaction() as tx:
        await tx.claim(hop, max_starts=9)
        await tx.put("tx", str(number), 1)
        await tx.put("total", "tx", (await tx.get("total", "tx") or 0) + 1)
        await tx.finish(hop, "done", [Outgoing(f"t{number}", "t", b"x")])

async def duplicates(store):
    sys.stdin.readline()
    async def deliver():
        async with store.transaction() as tx:
            claim = await tx.claim(Hop("dup", "1:0"), max_starts=9)
            if claim.state == "run":
                await tx.put("dup", "effects", (await tx.get("dup", "effects") or 0) + 1)
                await tx.finish(Hop("dup", "1:0"), "done", [Outgoing("dup", "t", b"x")])
            return claim.state
    print(json.dumps(await asyncio.gather(*(deliver() for _ in range(8)))), flush=True)

async def main():
    store = PgStore(PgAddress(**json.loads(sys.argv[1])))
    await store.open()
    if sys.argv[2] == "duplicates":
        print("ready", flush=True)
        await duplicates(store)
        await store.close()
        return
    numbers = itertools.count(int(sys.argv[2]))
    async def work(deliver):
        for number in numbers:
            await deliver(store, number)
            os.write(1, f"{deliver.__name__} {number}\\n".encode())
    await asyncio.gather(*(work(leased) for _ in range(8)), *(work(transactional) for _ in range(8)))

asyncio.run(main())
"""


async def _child(address: PgAddress, what: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-c", _CHILD, json.dumps(asdict(address)), what]
    return await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT)


@pytest.fixture
async def store() -> AsyncIterator[PgStore]:
    """An open store on tables of its own."""
    made = PgStore(postgres_server.shared().corner())
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def server() -> Iterator[postgres_server.PgServer]:
    """A server to be crashed; it syncs its log."""
    made = postgres_server.PgServer(require("postgres", postgres()), fsync="on")
    yield made
    made.remove()


async def test_a_killed_client_leaves_whole_units_and_every_promised_one(store: PgStore) -> None:
    """Decision, outbox row and document of a hop are there together or not at all; a counter equals its effects."""
    promised: list[list[str]] = []
    for number in range(2):
        child = await _child(store._address, str(number * 1_000_000))
        assert child.stdout is not None
        lines = [await child.stdout.readline() for _ in range(150)]
        os.kill(child.pid, signal.SIGKILL)
        lines += (await child.stdout.read()).splitlines()
        await child.wait()
        promised += [line.decode().split() for line in lines if line.strip()]
    async with asyncio.timeout(10):  # the server notices a dead client when it next speaks to it
        async with store.transaction() as tx:
            total = await tx.get("total", "tx")
    outbox = {row.wire_id for row in await store.unsent(grace=-1, limit=1_000_000)}
    leased = {one.key for one in await store.find("leased", limit=1_000_000)}
    transactional = {one.key for one in await store.find("tx", limit=1_000_000)}

    assert {f"l{key}" for key in leased} | {f"t{key}" for key in transactional} == outbox
    assert total == len(transactional)
    assert {number for kind, number in promised if kind == "leased"} <= leased
    assert {number for kind, number in promised if kind == "transactional"} <= transactional


async def test_two_processes_execute_sixteen_duplicates_once(store: PgStore) -> None:
    """One of them runs, fifteen find it done."""
    children = [await _child(store._address, "duplicates") for _ in range(2)]
    for child in children:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(child.communicate(b"\n") for child in children))

    states = sorted(state for said, _ in answers for state in json.loads(said))
    assert states == ["done"] * 15 + ["run"]
    assert (await store.get("dup", "effects")).value == 1  # type: ignore[union-attr]


async def test_after_a_crash_of_the_server_work_goes_on(server: postgres_server.PgServer) -> None:
    """Meanwhile StoreUnavailable and not healthy; then the same store goes on by itself, and whole units are there."""
    store = PgStore(server.corner(), patience=5.0)
    await store.open()
    promised: list[int] = []
    failures: list[Exception] = []
    down, numbers = asyncio.Event(), iter(range(1_000_000))

    async def work() -> None:
        while True:
            number = next(numbers)
            try:
                async with store.transaction() as tx:
                    await tx.claim(Hop("tx", f"{number}:0"), max_starts=9)
                    await tx.put("tx", str(number), 1)
                    await tx.finish(Hop("tx", f"{number}:0"), "done", [message(str(number))])
                promised.append(number)
            except StoreUnavailable as error:
                failures.append(error)
                await down.wait()
                return

    workers = [asyncio.create_task(work()) for _ in range(8)]
    while len(promised) < 100:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(server.stop, "immediate")
    down.set()
    await asyncio.gather(*workers)
    assert not await store.healthy()
    await asyncio.to_thread(server.start)

    assert len(failures) == 8
    assert await store.healthy()
    found = {one.key for one in await store.find("tx", limit=1_000_000)}
    assert {str(number) for number in promised} <= found
    assert found == {row.wire_id for row in await store.unsent(grace=-1, limit=1_000_000)}
    assert await store.put("c", "k", 1) == 1
    await store.close()


async def test_sessions_that_the_server_ends_are_replaced(store: PgStore) -> None:
    """57P01 is StoreUnavailable for who was at it; the next has a new connection."""
    other = PgStore(store._address)
    await other.open()
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"

    async def cut_off() -> None:
        async with other.transaction() as tx:
            await tx.put("c", "k", 1)
            link = await store.begin()
            await link.raw.execute(ended)
            await store.end(link)
            await tx.put("c", "k", 2)

    with pytest.raises(StoreUnavailable):
        await cut_off()

    assert await other.get("c", "k") is None
    await other.close()
