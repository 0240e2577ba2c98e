"""Following shows each message that ends, once, in whatever order the records are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bitbrat.api.local import StoreOperator
from bitbrat.cli.tail import following
from bitbrat.runtime import open_store
from bitbrat.store import FinalOutcome, FinalRecord, Store
from bitbrat.world import RealWorld

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    """Empty."""
    found = open_store("memory://", RealWorld())
    await found.open()
    yield found
    await found.close()


async def write(store: Store, name: str, seconds: float, outcome: FinalOutcome = "completed") -> None:
    """A final record, ``seconds`` after noon."""
    async with store.transaction() as tx:
        await tx.record(FinalRecord(name, outcome, NOON + timedelta(seconds=seconds), b""))


async def take(rows: AsyncIterator[dict[str, Any]], count: int) -> list[str]:
    """The ids of the next ones."""
    async with asyncio.timeout(20):
        return [(await anext(rows))["id"] for _ in range(count)]


async def test_what_ended_before_is_not_shown_again(store: Store) -> None:
    """Only what ends from now on."""
    await write(store, "before", 0)
    rows = following(StoreOperator(store, RealWorld()))
    shown = asyncio.ensure_future(take(rows, 1))
    await asyncio.sleep(0.05)

    await write(store, "after", 0.1)

    assert await shown == ["after"]


async def test_one_that_is_written_late_is_not_missed(store: Store) -> None:
    """Its time is before that of one which was shown already."""
    rows = following(StoreOperator(store, RealWorld()), [])
    await write(store, "second", 1.0)
    first = await take(rows, 1)

    await write(store, "first", 0.5)

    assert (first, await take(rows, 1)) == (["second"], ["first"])


async def test_a_message_whose_reply_is_on_its_way_has_not_ended(store: Store) -> None:
    """It is shown once, when it has."""
    rows = following(StoreOperator(store, RealWorld()), [])
    await write(store, "waiting", 0, "pending_reply")
    await write(store, "quick", 1)
    first = await take(rows, 1)

    await write(store, "waiting", 2, "handled")

    assert (first, await take(rows, 1)) == (["quick"], ["waiting"])


async def test_more_than_a_page_is_shown_whole(store: Store) -> None:
    """Two thousand and a half between two looks."""
    names = [f"m{number:04}" for number in range(2_500)]
    for number, name in enumerate(names):
        await write(store, name, number / 10_000)

    assert await take(following(StoreOperator(store, RealWorld()), []), 2_500) == names
