"""A store in an SQLite file that is killed in the middle of commits leaves whole units only, and none that was promised is missing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.store import Hop
from bitbrat.world import RealWorld

ROOT = Path(__file__).resolve().parents[2]

_CHILD = """
import asyncio, itertools, os, sys
from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.store import Hop, Outgoing, Write
from bitbrat.world import RealWorld

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

async def main():
    store = SqliteStore(sys.argv[1], RealWorld())
    await store.open()
    numbers = itertools.count(int(sys.argv[2]))
    async def work(deliver):
        for number in numbers:
            await deliver(store, number)
            os.write(1, f"{deliver.__name__} {number}\\n".encode())
    await asyncio.gather(*(work(leased) for _ in range(8)), *(work(transactional) for _ in range(8)))

asyncio.run(main())
"""


async def _run_and_kill(path: Path, first: int, lines: int) -> list[tuple[str, int]]:
    """Start a child that works, kill it after so many promises; returns what it promised."""
    command = [sys.executable, "-c", _CHILD, str(path), str(first)]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    promised = [await child.stdout.readline() for _ in range(lines)]
    os.kill(child.pid, signal.SIGKILL)
    promised += (await child.stdout.read()).splitlines()
    await child.wait()
    return [(kind.decode(), int(number)) for kind, number in (line.split() for line in promised if line.strip())]


async def test_a_killed_store_holds_whole_units_and_every_promised_one(tmp_path: Path) -> None:
    """Decision, outbox row and document of a hop are there together or not at all; a counter equals its effects."""
    path = tmp_path / "store.db"
    promised: list[tuple[str, int]] = []
    for round_number in range(3):
        promised += await _run_and_kill(path, round_number * 1_000_000, 150)
    store = SqliteStore(path, RealWorld())
    await store.open()
    outbox = {row.wire_id: row for row in await store.unsent(grace=-1, limit=1_000_000)}
    leased = {one.key for one in await store.find("leased", limit=1_000_000)}
    transactional = {one.key for one in await store.find("tx", limit=1_000_000)}
    total = await store.get("total", "tx")

    assert {f"l{key}" for key in leased} | {f"t{key}" for key in transactional} == set(outbox)
    assert total is not None
    assert total.value == len(transactional)
    assert {str(number) for kind, number in promised if kind == "leased"} <= leased
    assert {str(number) for kind, number in promised if kind == "transactional"} <= transactional
    for row in outbox.values():
        assert row.hop is not None
        claim = await store.claim(Hop(row.hop.group, row.hop.id), owner="parent", lease=1, max_starts=9)
        assert (claim.state, [one.wire_id for one in claim.outbox]) == ("done", [row.wire_id])
    await store.close()
