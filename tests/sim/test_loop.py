"""The loop of the simulation: time jumps, threads are refused, and a killed process runs nothing more."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from bitbrat.sim.loop import INCARNATION, Deadlock, Incarnation, SimLoop, run


def spawn(loop: SimLoop, incarnation: Incarnation, work: object) -> asyncio.Task[None]:
    """A task of a process."""
    context = contextvars.Context()
    context.run(INCARNATION.set, incarnation)
    return loop.create_task(work, context=context)  # type: ignore[arg-type]


async def test_outside_nothing_has_changed() -> None:
    """A real loop next to it is still a real loop."""
    assert not isinstance(asyncio.get_running_loop(), SimLoop)


def test_an_hour_takes_no_time() -> None:
    """The clock jumps to the next timer."""

    async def sleep() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(sleep()) == 3600.0


def test_waiting_for_nothing_is_a_deadlock() -> None:
    """It is told, not waited for."""

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        run(wait())


def test_threads_are_refused() -> None:
    """Two runs of a seed would differ."""

    async def thread() -> None:
        await asyncio.get_running_loop().run_in_executor(None, print)

    with pytest.raises(RuntimeError, match="no threads"):
        run(thread())


def test_a_killed_process_runs_nothing_more() -> None:
    """No except, no finally, no cancellation: what it did not do before does not happen."""
    seen: list[str] = []

    async def work() -> None:
        try:
            seen.append("began")
            await asyncio.sleep(1)
        finally:
            seen.append("cleaned up")

    async def world() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        incarnation = Incarnation("p")
        spawn(loop, incarnation, work())
        await asyncio.sleep(0.5)
        incarnation.dead = True
        await asyncio.sleep(5)
        return list(seen)

    assert run(world()) == ["began"]


def test_a_paused_process_goes_on_where_it_was() -> None:
    """Its timers are late, and none is lost."""
    woke: list[float] = []

    async def work() -> None:
        await asyncio.sleep(1)
        woke.append(asyncio.get_running_loop().time())

    async def world() -> list[float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        incarnation = Incarnation("p")
        spawn(loop, incarnation, work())
        await asyncio.sleep(0.5)
        incarnation.paused = True
        await asyncio.sleep(9.5)
        loop.resume(incarnation)
        await asyncio.sleep(1)
        return woke

    assert run(world()) == [10.0]


def test_a_timer_of_the_world_outlives_every_kill() -> None:
    """The leases of the broker are nobody's."""
    rang: list[bool] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        loop.later(1.0, rang.append, True)
        await asyncio.sleep(10)

    async def world() -> list[bool]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        incarnation = Incarnation("p")
        spawn(loop, incarnation, work())
        await asyncio.sleep(0.5)
        incarnation.dead = True
        await asyncio.sleep(5)
        return rang

    assert run(world()) == [True]
