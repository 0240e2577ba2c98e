"""The SQL tables are plain functions; PostgreSQL's driver is asynchronous. Here the ones run on the other.

A function runs in a greenlet of its own. Where it wants rows, it hands what is to be awaited to the task around it, and goes
on with the answer. That costs a few microseconds a statement, and the tables need no second version of themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


def wait_for(awaitable: Awaitable[T]) -> T:
    """The result of ``awaitable``, for a function that runs inside ``bridged``."""
    answer: T = getcurrent().parent.switch(awaitable)
    return answer


async def bridged(work: Callable[[Any], T], argument: Any) -> T:
    """Run ``work(argument)``, and await for it whatever it asks for with ``wait_for``."""
    inside = greenlet(work)
    asked = inside.switch(argument)
    while not inside.dead:
        try:
            answer = await asked
        except BaseException as error:  # cancellation too: the function is left by it
            asked = inside.throw(error)
        else:
            asked = inside.switch(answer)
    result: T = asked
    return result
