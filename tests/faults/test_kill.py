"""Real processes on files, killed in the middle of their work: what was accepted ends once, and takes effect once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bitbrat.world import RealWorld
from tests.faults.platform import Ledger, Process, by_number

EVENTS, KILLS, SENDERS = 500, 5, 16


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Process]:
    """The platform, not started; killed at the end, whatever happens."""
    async with Process(tmp_path, slip="") as process:
        yield process


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client that gives up on a process that is gone."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.mark.slow
async def test_nothing_accepted_is_lost_when_the_process_is_killed_again_and_again(
    platform: Process, client: aiohttp.ClientSession
) -> None:
    """Five SIGKILLs while 500 events come in: each accepted one has one final record, and its effect is there once."""
    platform.slip, left = "noting,counting", 0
    ledger = Ledger(platform, client)
    numbers = iter(range(EVENTS))
    up = asyncio.Event()

    async def send() -> None:
        for number in numbers:
            await up.wait()
            await ledger.send(number)
            while number % 2 == 0 and number not in ledger.ok:  # every other event is sent until it is accepted for certain
                await up.wait()
                await ledger.send(number)
                await asyncio.sleep(0.01)

    senders = [asyncio.create_task(send()) for _ in range(SENDERS)]
    for kill in range(KILLS):
        await platform.start()
        up.set()
        async with asyncio.timeout(30):
            while len(ledger.ok) < (kill + 1) * EVENTS // (KILLS + 1):
                await asyncio.sleep(0.005)
        up.clear()
        await platform.kill()
        left += len(ledger.ok) - platform.rows("SELECT count(*) FROM final")[0][0]
    await platform.start()
    up.set()
    await asyncio.gather(*senders)
    await platform.settled(len(ledger.ok))
    code = await platform.stop()
    records = await platform.finals()
    counts = by_number(records)

    assert left > 0, "every kill came when nothing was under way"
    assert (code, platform.starts) == (0, KILLS + 1)
    assert ledger.ok | ledger.unknown == set(range(EVENTS))
    assert sorted(ledger.ok - set(counts)) == [], "lost"
    assert [number for number, count in counts.items() if count > 1] == [], "final twice"
    assert set(counts) <= ledger.ok | ledger.unknown
    assert {record.outcome for record in records} == {"completed"}
    assert await platform.document("total", "events") == len(records)
    assert dict(platform.rows("SELECT key, value FROM documents WHERE collection = 'counted'")) == {str(number): "1" for number in counts}


@pytest.mark.slow
async def test_a_process_that_is_asked_to_stop_puts_back_what_it_has_in_hand(
    platform: Process, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """SIGTERM with twenty messages in the hands of a slow step: gone in 8 s with 0; the next process runs them, at their first attempt."""
    gate = tmp_path / "gate"
    platform.slip, platform.settings = "slow", {"TEST_GATE": str(gate), "DRAIN_SECONDS": "4"}
    ledger = Ledger(platform, client)
    await platform.start()
    for number in range(20):
        await ledger.send(number)
    async with asyncio.timeout(20):
        while platform.rows("SELECT count(*) FROM inbox WHERE hop_id LIKE '%:0' AND state = 'running'")[0][0] < 16:
            await asyncio.sleep(0.02)

    before = RealWorld().monotonic()
    code = await platform.stop()
    took = RealWorld().monotonic() - before
    in_hand = platform.rows("SELECT count(*) FROM inbox WHERE state IN ('running', 'intent')")[0][0]
    gate.touch()
    await platform.start()
    await platform.settled(20, seconds=20)
    await platform.stop()
    records = await platform.finals()

    assert (code, len(ledger.ok), in_hand) == (0, 20, 0)
    assert took <= 8, "the requirement"
    assert set(by_number(records).values()) == {1}
    assert {(record.outcome, record.detail["attempts"]) for record in records} == {("completed", 1)}
