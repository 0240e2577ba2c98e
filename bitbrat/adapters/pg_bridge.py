"""The SQL tables are plain functions; PostgreSQL's driver is asynchronous. Here the ones run on the other.

A function runs in a greenlet. Where it wants rows, it hands what is to be awaited to the task around it, and goes on with the
answer. So the tables need no second version of themselves. The greenlet is kept: a new one for each function costs ten times
as much as what it does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")


class _End:
    """How a function ended."""

    __slots__ = ("error", "result")

    def __init__(self, result: Any, error: BaseException | None) -> None:
        self.result = result
        self.error = error


def wait_for(awaitable: Awaitable[T]) -> T:
    """The result of ``awaitable``, for a function that runs on a ``Bridge``."""
    answer: T = getcurrent().parent.switch(awaitable)
    return answer


class Bridge:
    """Runs one function at a time."""

    def __init__(self) -> None:
        self._inside = greenlet(_serve)

    async def run(self, work: Callable[[Any], T], argument: Any) -> T:
        """Run ``work(argument)``, and await for it whatever it asks for with ``wait_for``."""
        asked = self._inside.switch((work, argument))
        while type(asked) is not _End:
            try:
                answer = await asked
            except BaseException as error:  # cancellation too: the function is left by it
                asked = self._inside.throw(error)
            else:
                asked = self._inside.switch(answer)
        if asked.error is not None:
            raise asked.error
        result: T = asked.result
        return result


def _serve(job: tuple[Callable[[Any], Any], Any]) -> None:
    """The greenlet's whole life: one function after the other, until nobody has the bridge any more."""
    outside = getcurrent().parent
    while True:
        work, argument = job
        try:
            end = _End(work(argument), None)
        except GreenletExit:
            raise
        except BaseException as error:
            end = _End(None, error)
        del job, work, argument  # nothing is kept alive while nothing is done
        job = outside.switch(end)
        del end
