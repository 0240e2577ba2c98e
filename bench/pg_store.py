"""Transactional hops on the PostgreSQL store beside the same statements on bare asyncpg: whole processes, in turn, medians.

    python bench/pg_store.py [--hops 8000] [--connections 16] [--rounds 5] [--fsync off]

One hop is a transaction that claims the hop, writes one document (its effect) and decides with one message in the outbox; then
the message is marked as sent. ``done`` is a claim of a hop that is decided already. The bare loops prepare and send the same
statements with as many connections, one for each task, and do nothing else. The server is our own, started for this.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

import asyncpg
import uvloop

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bitbrat.adapters import pg_tables as tables  # noqa: E402
from bitbrat.adapters.pg_connection import numbered  # noqa: E402
from bitbrat.adapters.pg_store import PgStore  # noqa: E402
from bitbrat.config.pg_url import PgAddress  # noqa: E402
from bitbrat.store import Hop, Outgoing  # noqa: E402
from tests.components import Absent, postgres  # noqa: E402
from tests.postgres_server import PgServer  # noqa: E402

BODY = os.urandom(1_000)
HEADERS = {"bb-envelope-id": "0" * 36, "bb-type": "chat.message"}
Hops = Callable[[int], Awaitable[None]]


async def timed(hops: int, workers: list[Hops]) -> float:
    """Hops a second, with as many at once as there are workers."""
    numbers = iter(range(hops))

    async def work(one: Hops) -> None:
        for number in numbers:
            await one(number)

    began = time.perf_counter()
    await asyncio.gather(*(work(one) for one in workers))
    return hops / (time.perf_counter() - began)


async def bare(address: PgAddress, hops: int) -> tuple[float, float]:
    """The statements, and nothing else."""
    decide, keep, sent, row = (numbered(text)[0] for text in (tables.DECIDE_NEW, tables.KEEP, tables.SENT, tables._ROW))
    change, put, unsent = numbered(tables.CHANGE_ANY)[0], numbered(tables.PUT)[0], numbered(_UNSENT)[0]

    async def worker() -> tuple[asyncpg.Connection, Hops, Hops]:
        where = {"host": address.host, "port": address.port, "user": address.user, "database": address.database}
        raw = await asyncpg.connect(**where)

        async def hop(number: int) -> None:
            await raw.execute("BEGIN")
            await raw.execute(decide, "bench", f"{number}:0", "done", 0, "")
            if not await raw.fetch(change, '{"n":1}', "effects", str(number)):
                await raw.fetch(put, "effects", str(number), '{"n":1}', number)
            wire = f"{number}:1:0"
            await raw.execute(keep, wire, "internal.next.v1", BODY, json.dumps(HEADERS), 0, None, "bench", f"{number}:0", 0)
            await raw.execute("COMMIT")
            await raw.execute(sent, [wire])

        async def again(number: int) -> None:
            await raw.execute("BEGIN")
            await raw.execute(decide, "bench", f"{number}:0", "done", 0, "")
            await raw.fetch(row, "bench", f"{number}:0")
            await raw.fetch(unsent, "bench", f"{number}:0")
            await raw.execute("COMMIT")

        return raw, hop, again

    workers = [await worker() for _ in range(address.pool)]
    rates = await timed(hops, [one[1] for one in workers]), await timed(hops, [one[2] for one in workers])
    for raw, _, _ in workers:
        await raw.close()
    return rates


async def store(address: PgAddress, hops: int) -> tuple[float, float]:
    """The same through the store."""
    made = PgStore(address)
    await made.open()

    async def hop(number: int) -> None:
        mine = Hop("bench", f"{number}:0")
        wire = f"{number}:1:0"
        async with made.transaction() as tx:
            claim = await tx.claim(mine, max_starts=3)
            assert claim.state == "run"
            await tx.put("effects", str(number), {"n": 1})
            await tx.finish(mine, "done", [Outgoing(wire, "internal.next.v1", BODY, HEADERS)])
        await made.mark_sent([wire])

    async def again(number: int) -> None:
        async with made.transaction() as tx:
            assert (await tx.claim(Hop("bench", f"{number}:0"), max_starts=3)).state == "done"

    rates = await timed(hops, [hop] * address.pool), await timed(hops, [again] * address.pool)
    await made.close()
    return rates


_UNSENT = "SELECT wire_id, topic, data, headers, held, ready, grp, hop_id, attempt FROM outbox WHERE grp = :grp AND hop_id = :hop_id"


def in_a_process(kind: str, server: PgServer, hops: int, connections: int) -> tuple[float, float]:
    """One run in a process of its own, on empty tables."""
    address = server.corner(pool=connections)

    async def prepare() -> None:
        made = PgStore(address)
        await made.open()
        await made.close()

    asyncio.run(prepare())
    command = [sys.executable, __file__, "--one", kind, "--address", json.dumps(asdict(address)), "--hops", str(hops)]
    fresh, done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    return fresh, done


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hops", type=int, default=8_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fsync", choices=("on", "off"), default="on", help="off shows what the program costs without the disk")
    parser.add_argument("--one", choices=("bare", "store"), help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run = {"bare": bare, "store": store}[given.one]
        print(json.dumps(uvloop.run(run(PgAddress(**json.loads(given.address)), given.hops))))
        return
    programs = postgres()
    if isinstance(programs, Absent):
        print(f"not measured: {programs.reason}")
        return
    rates: dict[str, list[tuple[float, float]]] = {"bare": [], "store": []}
    server = PgServer(programs, fsync=given.fsync)
    try:
        for _ in range(given.rounds):
            for kind, so_far in rates.items():
                so_far.append(in_a_process(kind, server, given.hops, given.connections))
    finally:
        server.remove()
    print(f"{given.hops} hops, {given.connections} connections, fsync {given.fsync}, {given.rounds} rounds in turn, hops a second")
    for index, what in enumerate(("transactional hop", "hop that is done")):
        for kind, measured in rates.items():
            ones = [one[index] for one in measured]
            print(f"  {what}  {kind:6} median {statistics.median(ones):7.0f}   from {min(ones):7.0f} to {max(ones):7.0f}")
        ratios = [ours[index] / plain[index] for ours, plain in zip(rates["store"], rates["bare"], strict=True)]
        print(
            f"  {what}  store / bare, round by round: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}"
        )


if __name__ == "__main__":
    main()
