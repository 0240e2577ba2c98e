"""An event loop on a virtual clock: no sockets, no threads, and processes that can be killed or stopped between any two of its turns.

A callback belongs to the incarnation of a process that was current when it was scheduled. Of a dead incarnation nothing runs
any more: no ``except``, no ``finally``, no cancellation. That is ``kill -9``.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import warnings
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(Exception):
    """Nothing is left to wait for: no timer, no callback."""


@dataclass(eq=False)
class Incarnation:
    """One life of one process. What it does while it is ``paused`` waits in ``backlog``."""

    name: str
    dead: bool = False
    paused: bool = False
    born: float = 0.0
    ended: float | None = None
    backlog: list[tuple[Callable[..., Any], tuple[Any, ...], contextvars.Context | None]] = field(default_factory=list)


INCARNATION: contextvars.ContextVar[Incarnation | None] = contextvars.ContextVar("incarnation", default=None)
WORLD = contextvars.Context()
"""The context of the world's own timers (leases of the broker, say): they outlive every kill."""


class SimLoop(asyncio.base_events.BaseEventLoop):
    """``time()`` is virtual; with nothing to run, the clock jumps to the next timer. Raises :class:`Deadlock` when there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0.0
        self.tasks: list[asyncio.Task[Any]] = []
        self._selector = self
        self._clock_resolution = 1e-9
        # A task of a killed process must not be collected before the end: its `finally` would run at the collector's whim.
        self.set_task_factory(self._task)
        self.set_exception_handler(lambda _loop, _context: None)

    def _task(self, loop: asyncio.AbstractEventLoop, coro: Any, **named: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **named)
        self.tasks.append(task)
        if len(self.tasks) > 20_000:
            self.tasks = [one for one in self.tasks if not one.done()]
        return task

    def time(self) -> float:
        """Seconds since the world began."""
        return self.clock

    def select(self, timeout: float | None) -> list[Any]:
        """Where a loop waits for sockets, this one moves its clock."""
        if timeout is None:
            raise Deadlock
        self.clock += max(0.0, timeout)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """There is nobody to wake."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002 - asyncio's signature
        """Refused: a thread would make two runs of a seed differ."""
        raise RuntimeError("the simulation has no threads")

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Like asyncio's, for as long as the incarnation lives."""
        owner = INCARNATION.get() if context is None else context.get(INCARNATION)
        if owner is None:
            return super().call_soon(callback, *args, context=context)
        context = contextvars.copy_context() if context is None else context
        return super().call_soon(self._alive, owner, callback, args, context, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Like asyncio's, for as long as the incarnation lives."""
        # `context or …` would be wrong: an empty context is false, and the world's own timers have one.
        owner = INCARNATION.get() if context is None else context.get(INCARNATION)
        if owner is None:
            return super().call_at(when, callback, *args, context=context)
        context = contextvars.copy_context() if context is None else context
        return super().call_at(when, self._alive, owner, callback, args, context, context=context)

    def _alive(self, owner: Incarnation, callback: Any, args: tuple[Any, ...], context: contextvars.Context) -> None:
        if owner.dead:
            return
        if owner.paused:
            owner.backlog.append((callback, args, context))
            return
        callback(*args)

    def resume(self, owner: Incarnation) -> None:
        """Let a paused process go on where it was."""
        owner.paused = False
        backlog, owner.backlog = owner.backlog, []
        for callback, args, context in backlog:
            self.call_soon(callback, *args, context=context)

    def later(self, delay: float, callback: Callable[..., Any], *args: Any) -> asyncio.TimerHandle:
        """A timer of the world's own."""
        return self.call_later(delay, callback, *args, context=WORLD)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` to its end in a new virtual time, and leave nothing behind."""
    loop = SimLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        _bury(loop)
        asyncio.set_event_loop(None)


def _bury(loop: SimLoop) -> None:
    """Close what the killed processes left, quietly and in order, so that the collector has nothing to run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while loop.tasks:
            task = loop.tasks.pop()
            if task.done():
                if not task.cancelled():
                    task.exception()
                continue
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            _close(task)
        loop._ready.clear()  # type: ignore[attr-defined]
        loop._scheduled.clear()  # type: ignore[attr-defined]
        loop.close()


def _close(task: asyncio.Task[Any]) -> None:
    coroutine: Any = task.get_coro()
    for _ in range(50):
        with contextlib.suppress(BaseException):
            coroutine.close()
            return
