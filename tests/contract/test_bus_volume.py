"""What every bus promises of amounts: thousands go through one by one, and memory does not grow with them."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest

from bitbrat.bus import Bus, Message
from tests.contract.buses import LOG, STEP, BusRig

COUNT = 10_000
BYTES = 1_000
ALLOWANCE = 5_000_000
"""Bytes of growth that are no leak: ids inside the dedupe window, and what a log keeps. The messages alone are twice that."""


async def _consume(bus: Bus, topic: str, group: str, count: int) -> int:
    """Take ``count`` different messages with a few dozen consumers, ack each; returns how many deliveries it took."""
    seen: set[bytes] = set()
    came = 0
    everything = asyncio.Event()

    async def member() -> None:
        nonlocal came
        async for delivery in bus.consume(topic, group, max_in_flight=4):
            came += 1
            seen.add(delivery.data[:12])
            await delivery.ack()
            if len(seen) == count:
                everything.set()

    members = [asyncio.create_task(member()) for _ in range(32)]
    try:
        await asyncio.wait_for(everything.wait(), 100)
    finally:
        for task in members:
            task.cancel()
        await asyncio.gather(*members, return_exceptions=True)
    return came


async def _through(bus: Bus, first: int, count: int) -> int:
    """Publish and consume ``count`` messages of a kilobyte at the same time; returns how many deliveries it took."""
    consuming = asyncio.create_task(_consume(bus, STEP, "step", count))
    for start in range(first, first + count, 100):
        await bus.publish_many([(STEP, Message(f"n{n}", b"%012d" % n + b"x" * BYTES)) for n in range(start, start + 100)])
    return await consuming


async def test_ten_thousand_messages_leave_memory_flat(kind: BusRig) -> None:
    """Each comes once, and what is done is not kept in memory."""
    if kind.declaration.name == "sim":
        pytest.skip("the simulated broker keeps what a crash would bring back")
    bus = await kind.open()
    await _through(bus, COUNT, 500)
    gc.collect()
    tracemalloc.start(1)
    before, _ = tracemalloc.get_traced_memory()

    came = await _through(bus, 0, COUNT)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert came == COUNT
    assert after - before < ALLOWANCE


async def test_a_backlog_on_a_log_is_read_by_each_group_to_its_end(kind: BusRig) -> None:
    """More than a bus reads ahead, published before anyone listens."""
    bus = await kind.open()
    count = 1_500
    for start in range(0, count, 500):
        await bus.publish_many([(LOG, Message(f"n{n}", b"%012d" % n)) for n in range(start, start + 500)])

    deliveries = [await _consume(bus, LOG, group, count) for group in ("first", "second")]

    assert deliveries == [count, count]
    assert await kind.listen(bus, LOG, "first").quiet()
