"""Locks by key: one holder, a line, deadlocks seen at once."""

from __future__ import annotations

import asyncio

import pytest

from bitbrat.adapters.locks import Holder, KeyLocks
from bitbrat.errors import StoreUnavailable

A, B, C = ("a",), ("b",), ("c",)


async def _held(locks: KeyLocks, *keys: tuple[str, ...]) -> Holder:
    holder = Holder()
    for key in keys:
        await locks.acquire(holder, key)
    return holder


async def test_a_holder_takes_its_own_key_again() -> None:
    """What one holds it may ask for as often as it likes."""
    locks = KeyLocks()
    holder = await _held(locks, A, A)

    locks.release(holder)

    assert locks.held == {}


async def test_those_who_wait_get_the_key_in_the_order_they_came() -> None:
    """The line is a line."""
    locks, order = KeyLocks(), list[int]()
    first = await _held(locks, A)

    async def take(number: int) -> None:
        holder = await _held(locks, A)
        order.append(number)
        await asyncio.sleep(0)
        locks.release(holder)

    tasks = [asyncio.create_task(take(number)) for number in range(5)]
    await asyncio.sleep(0)
    locks.release(first)
    await asyncio.gather(*tasks)

    assert order == [0, 1, 2, 3, 4]
    assert locks.held == {}


async def test_a_ring_of_three_is_seen() -> None:
    """Who closes the ring is refused; the others go on."""
    locks = KeyLocks(patience=60)
    one, two, three = await _held(locks, A), await _held(locks, B), await _held(locks, C)
    waiting = [asyncio.create_task(locks.acquire(one, B)), asyncio.create_task(locks.acquire(two, C))]
    await asyncio.sleep(0)

    with pytest.raises(StoreUnavailable, match=r"store\.contended"):
        await locks.acquire(three, A)
    locks.release(three)
    await waiting[1]
    locks.release(two)
    await waiting[0]


async def test_patience_ends() -> None:
    """A key that is never let go does not hold up others for ever."""
    locks = KeyLocks(patience=0.01)
    await _held(locks, A)

    with pytest.raises(StoreUnavailable, match=r"store\.contended"):
        await locks.acquire(Holder(), A)


async def test_who_is_cancelled_leaves_the_line() -> None:
    """The key goes to the next one, not to who has gone."""
    locks = KeyLocks()
    first = await _held(locks, A)
    gone = asyncio.create_task(locks.acquire(Holder(), A))
    second = Holder()
    waiting = asyncio.create_task(locks.acquire(second, A))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    locks.release(first)
    await waiting

    assert locks.held == {A: second}


async def test_who_is_cancelled_while_the_key_comes_can_still_let_go_of_it() -> None:
    """A key that was handed to a cancelled waiter is freed with its holder."""
    locks = KeyLocks()
    first, second = await _held(locks, A), Holder()
    waiting = asyncio.create_task(locks.acquire(second, A))
    await asyncio.sleep(0)
    locks.release(first)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    locks.release(second)

    assert locks.held == {}


async def test_who_lets_go_waits_no_longer() -> None:
    """A holder that is over is given nothing any more."""
    locks = KeyLocks(patience=0.01)
    first, over = await _held(locks, A), Holder()
    waiting = asyncio.create_task(locks.acquire(over, A))
    await asyncio.sleep(0)
    locks.release(over)
    locks.release(first)

    assert locks.held == {}
    with pytest.raises(StoreUnavailable):
        await waiting
