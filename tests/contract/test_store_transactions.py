"""Every store's transactions happen as a whole or not at all, one after the other where they touch the same."""

from __future__ import annotations

import asyncio

import pytest

from bitbrat.errors import StoreError, StoreUnavailable
from bitbrat.store import Hop, Transaction
from tests.contract.stores import MAX_STARTS, Rig, final, message

HOP = Hop("greeter", "e1:0")
AGAIN = Hop("greeter", "e1:0", attempt=1)


class _Broken(Exception):
    """What a handler raises."""


async def _count_up(tx: Transaction, key: str) -> None:
    count = await tx.get("counters", key) or 0
    await asyncio.sleep(0)
    await tx.put("counters", key, count + 1)


async def test_sixteen_duplicates_of_a_transactional_hop_execute_once(rig: Rig) -> None:
    """Fifteen wait for the first, find the hop done, and get its outbox."""

    async def deliver(number: int) -> str:
        async with rig.store.transaction() as tx:
            claim = await tx.claim(HOP, max_starts=MAX_STARTS)
            if claim.state == "run":
                await _count_up(tx, "effects")
                await tx.finish(HOP, "done", [message(f"by{number}")])
            else:
                assert len(claim.outbox) == 1
        return claim.state

    states = await asyncio.gather(*(deliver(number) for number in range(16)))

    assert sorted(states) == ["done"] * 15 + ["run"]
    assert (await rig.store.get("counters", "effects")).value == 1  # type: ignore[union-attr]


async def test_a_rolled_back_transaction_leaves_nothing(rig: Rig) -> None:
    """No document, no row of the outbox, no final record, no claim, no start."""

    async def break_off() -> None:
        async with rig.store.transaction() as tx:
            await tx.claim(HOP, max_starts=MAX_STARTS)
            await tx.put("c", "k", 2)
            await tx.put("c", "new", 2)
            await tx.record(final("e1"))
            await tx.enqueue(message("a"))
            await tx.finish(HOP, "done", [message("b")])
            raise _Broken

    await rig.store.put("c", "k", 1)
    with pytest.raises(_Broken):
        await break_off()

    assert [(one.key, one.value) for one in await rig.store.find("c")] == [("k", 1)]
    assert await rig.unsent() == []
    assert await rig.store.final("e1") is None
    assert (await rig.claim(HOP)).starts == 1


async def test_a_cancelled_transaction_leaves_nothing_and_blocks_nobody(rig: Rig) -> None:
    """Cancelling a handler undoes what it wrote and frees what it had locked."""
    inside = asyncio.Event()

    async def hang() -> None:
        async with rig.store.transaction() as tx:
            await tx.put("c", "k", 1)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await rig.store.put("c", "k", 2) == 1


async def test_nobody_sees_a_transaction_before_its_end(rig: Rig) -> None:
    """What is written inside is seen outside only afterwards, and all of it."""
    async with rig.store.transaction() as tx:
        await tx.put("c", "k", 1)
        await tx.finish(HOP, "done", [message("a")])
        assert await rig.store.get("c", "k") is None
        assert await rig.unsent() == []

    assert await rig.store.get("c", "k") is not None
    assert await rig.unsent() == ["a"]


async def test_a_transaction_sees_its_own_writes(rig: Rig) -> None:
    """Reading inside gives what was written inside, with the versions that it will have."""
    for key in ("a", "a2", "b", "c", "d"):
        await rig.store.put("c", key, 0)

    async with rig.store.transaction() as tx:
        await tx.put("c", "b", 1)
        await tx.put("c", "b", 2)
        await tx.delete("c", "a")
        await tx.delete("c", "a2")
        await tx.delete("c", "c")
        await tx.put("c", "c", 3)
        await tx.put("c", "bb", 4)
        assert [await tx.get("c", key) for key in ("a", "b", "bb", "c", "d")] == [None, 2, 4, 3, 0]
        inside = await tx.find("c", limit=3)
        await tx.delete("c", "b")
        await tx.delete("c", "bb")
        await tx.delete("c", "c")
        assert [one.key for one in await tx.find("c", limit=1)] == ["d"]

    assert [(one.key, one.value, one.version) for one in inside] == [("b", 2, 3), ("bb", 4, 1), ("c", 3, 1)]
    assert [one.key for one in await rig.store.find("c")] == ["d"]


async def test_a_savepoint_undoes_only_its_inside(rig: Rig) -> None:
    """After an exception inside, what was written before and after counts."""

    async def break_off(tx: Transaction) -> None:
        async with tx.savepoint():
            await tx.put("c", "before", 2)
            await tx.put("c", "inside", 2)
            await tx.enqueue(message("inside"))
            await tx.record(final("e1"))
            raise _Broken

    async with rig.store.transaction() as tx:
        await tx.claim(HOP, max_starts=MAX_STARTS)
        await tx.put("c", "before", 1)
        with pytest.raises(_Broken):
            await break_off(tx)
        assert await tx.get("c", "before") == 1
        assert await tx.record(final("e1"))
        async with tx.savepoint():
            await tx.put("c", "kept", 3)
        await tx.finish(AGAIN, "retry", [message("retry", hop=AGAIN)])

    assert [(one.key, one.value) for one in await rig.store.find("c")] == [("before", 1), ("kept", 3)]
    assert await rig.unsent() == ["retry"]


async def test_a_failure_inside_a_savepoint_in_a_savepoint_undoes_the_inner(rig: Rig) -> None:
    """Savepoints nest."""

    async def break_off(tx: Transaction) -> None:
        async with tx.savepoint():
            await tx.put("c", "inner", 1)
            raise _Broken

    async with rig.store.transaction() as tx, tx.savepoint():
        await tx.put("c", "outer", 1)
        with pytest.raises(_Broken):
            await break_off(tx)

    assert [one.key for one in await rig.store.find("c")] == ["outer"]


async def test_fifty_counters_at_once_add_up(rig: Rig) -> None:
    """What a transaction has read is not changed by another before it ends."""

    async def deliver(number: int) -> None:
        async with rig.store.transaction() as tx:
            await _count_up(tx, "all")
            await _count_up(tx, f"of{number % 5}")

    await asyncio.gather(*(deliver(number) for number in range(50)))

    assert [one.value for one in await rig.store.find("counters")] == [50, 10, 10, 10, 10, 10]


async def test_operations_outside_wait_for_a_transaction_on_the_same_rows(rig: Rig) -> None:
    """A put and a claim outside come after the end of a transaction that has touched their rows."""
    outside: list[asyncio.Task[object]] = []
    async with rig.store.transaction() as tx:
        assert await tx.get("c", "k") is None
        await tx.claim(HOP, max_starts=MAX_STARTS)
        outside.append(asyncio.create_task(rig.store.put("c", "k", "outside")))
        outside.append(asyncio.create_task(rig.claim(HOP)))
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in outside)
        await tx.put("c", "k", "inside")
        await tx.finish(HOP, "done", ())

    version, claim = await asyncio.gather(*outside)
    assert (version, claim.state) == (2, "done")  # type: ignore[attr-defined]


async def test_others_go_on_while_a_transaction_waits(rig: Rig) -> None:
    """A handler that waits inside its transaction holds up nobody who wants something else."""
    async with rig.store.transaction() as slow:
        await slow.put("c", "mine", 1)
        await rig.store.put("c", "other", 2)
        await rig.claim(HOP)
        async with rig.store.transaction() as quick:
            await quick.put("c", "third", 3)

    assert len(await rig.store.find("c")) == 3


async def test_of_two_that_wait_for_each_other_one_is_refused_and_can_run_again(rig: Rig) -> None:
    """A deadlock ends at once with StoreUnavailable for one of the two; nothing of it is written."""
    both = asyncio.Barrier(2)

    async def deliver(first: str, second: str) -> bool:
        try:
            async with rig.store.transaction() as tx:
                await tx.put("c", first, 1)
                await both.wait()
                await tx.put("c", second, 1)
        except StoreUnavailable:
            return False
        return True

    async with asyncio.timeout(4):
        ends = await asyncio.gather(deliver("a", "b"), deliver("b", "a"))

    assert sorted(ends) == [False, True]
    assert [one.version for one in await rig.store.find("c")] == [1, 1]


async def test_a_retry_inside_a_transaction_makes_older_copies_stale(rig: Rig) -> None:
    """The next attempt runs, the earlier one gets what is unsent."""
    async with rig.store.transaction() as tx:
        await tx.claim(HOP, max_starts=MAX_STARTS)
        await tx.finish(AGAIN, "retry", [message("e1:0:1")])

    async with rig.store.transaction() as tx:
        stale = await tx.claim(HOP, max_starts=MAX_STARTS)
        again = await tx.claim(AGAIN, max_starts=MAX_STARTS)
    assert (stale.state, stale.outbox, again.state) == ("stale", (message("e1:0:1", hop=AGAIN),), "run")


async def test_a_transaction_that_is_over_refuses(rig: Rig) -> None:
    """A handler's left-over task cannot write after the end."""
    async with rig.store.transaction() as tx:
        await tx.put("c", "k", 1)

    with pytest.raises(StoreError):
        await tx.put("c", "k", 2)
    with pytest.raises(StoreError):
        await tx.enqueue(message("a"))


async def test_closing_waits_for_the_transactions_under_way(rig: Rig) -> None:
    """What has begun may end; what begins is refused."""
    async with rig.store.transaction() as tx:
        closing = asyncio.create_task(rig.store.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
        await tx.put("c", "k", await tx.get("c", "k"))

    await closing
