"""The SQLite bus beside a bare sqlite3 loop that makes the same commits: whole processes, in turn, medians and their ratio.

    python bench/sqlite_bus.py [--messages 20000] [--batch 256] [--rounds 5]

Both store 1 kB messages with a wire id that must be new, read them back in order and delete them, ``--batch`` with each
commit: one transaction for storing, one for deleting. The bare loop does that and nothing else. The bus is used as a hop
uses it: publishes and acks are awaited one by one by as many tasks as the batch has messages. ``memory`` is the memory bus
doing the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bitbrat.adapters.memory_bus import MemoryBus
from bitbrat.adapters.sqlite_bus import SqliteBus
from bitbrat.bus import Bus, Message
from bitbrat.topics import Topic
from bitbrat.world import RealWorld

TOPIC = "internal.bench.v1"
BODY = os.urandom(1_000)
HEADERS = {"bb-envelope-id": "0" * 36, "bb-type": "chat.message"}


def wire_id(number: int) -> str:
    """As random as ids made from a name are."""
    return f"{number * 2654435761 % 2**32:08x}-0000-5000-8000-{number:012x}:0:0"


def bare(path: Path, messages: int, batch: int) -> float:
    """Messages a second of the plain loop."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "CREATE TABLE messages (seq INTEGER PRIMARY KEY, id TEXT, headers TEXT, data BLOB, at REAL)",
        "CREATE TABLE ids (id TEXT PRIMARY KEY, at REAL) WITHOUT ROWID",
    ):
        connection.execute(statement)
    began = time.perf_counter()
    for first in range(1, messages + 1, batch):
        numbers = range(first, min(first + batch, messages + 1))
        connection.execute("BEGIN IMMEDIATE")
        for number in numbers:
            fresh = connection.execute("INSERT INTO ids VALUES (?, ?) ON CONFLICT DO NOTHING", (wire_id(number), 1.0)).rowcount
            if fresh:
                row = (number, wire_id(number), json.dumps(HEADERS), BODY, 1.0)
                connection.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("COMMIT")
        rows = connection.execute("SELECT seq, id, headers, data FROM messages WHERE seq >= ? ORDER BY seq", (first,)).fetchall()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM messages WHERE seq = ?", [(row[0],) for row in rows])
        connection.execute("COMMIT")
    rate = messages / (time.perf_counter() - began)
    connection.close()
    return rate


async def through(bus: Bus, messages: int, batch: int) -> float:
    """Messages a second of a bus: published, delivered and acked, each awaited by its own task."""
    await bus.ensure([Topic(TOPIC, "step", ("bench",))])
    numbers = iter(range(messages))
    everything = asyncio.Event()
    acked = 0

    async def publish() -> None:
        for number in numbers:
            await bus.publish(TOPIC, Message(wire_id(number), BODY, HEADERS))

    async def consume() -> None:
        nonlocal acked
        async for delivery in bus.consume(TOPIC, "bench", max_in_flight=1):
            await delivery.ack()
            acked += 1
            if acked == messages:
                everything.set()

    began = time.perf_counter()
    tasks = [asyncio.create_task(work()) for _ in range(batch) for work in (publish, consume)]
    await everything.wait()
    rate = messages / (time.perf_counter() - began)
    await bus.close()
    await asyncio.gather(*tasks)
    return rate


def one(kind: str, messages: int, batch: int) -> float:
    """One run in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        if kind == "bare":
            return bare(path, messages, batch)
        bus: Bus = SqliteBus(path, RealWorld()) if kind == "bus" else MemoryBus(RealWorld())
        return asyncio.run(through(bus, messages, batch))


def in_a_process(kind: str, messages: int, batch: int) -> float:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", kind, "--messages", str(messages), "--batch", str(batch)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=("bare", "bus", "memory"), help="one run in this process, only the rate is printed")
    given = parser.parse_args()
    if given.one:
        print(one(given.one, given.messages, given.batch))
        return
    rates: dict[str, list[float]] = {"bare": [], "bus": [], "memory": []}
    for _ in range(given.rounds):
        for kind, so_far in rates.items():
            so_far.append(in_a_process(kind, given.messages, given.batch))
    medians = {kind: statistics.median(measured) for kind, measured in rates.items()}
    ratios = [bus / bare for bus, bare in zip(rates["bus"], rates["bare"], strict=True)]  # neighbours had the same machine
    print(f"{given.messages} messages of 1 kB, {given.batch} in flight or a commit, {given.rounds} rounds in turn, messages a second")
    for kind, measured in rates.items():
        print(f"  {kind:7} median {medians[kind]:8.0f}   from {min(measured):8.0f} to {max(measured):8.0f}")
    print(f"  bus / bare, round by round: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
