"""A loop whose clock jumps: real sockets, no waiting. A minute of silence takes a millisecond."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from bitbrat.world import RealWorld

_GRACE = 0.002
"""Real seconds in which nothing must come off a socket before the clock jumps to the next timer. Loopback needs microseconds."""
Result = TypeVar("Result")


class _Jumping(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        ready = super().select(_GRACE if timeout is not None else None)
        if not ready and timeout is not None:
            self.loop.clock += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop on a clock that only moves when there is nothing else to do."""

    def __init__(self) -> None:
        self.clock = 0.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.clock


class LoopWorld(RealWorld):
    """The world of a virtual loop: its clock, and the same randomness each time."""

    def __init__(self) -> None:
        self._seed = 12345

    def monotonic(self) -> float:
        """The loop's clock."""
        return asyncio.get_running_loop().time()

    def random(self) -> float:
        """The next of a fixed series."""
        self._seed = (self._seed * 1103515245 + 12345) % 2**31
        return self._seed / 2**31


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` to its end on a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that runs on a virtual loop."""

    @wraps(test)
    def on_virtual_time(*args: Any, **named: Any) -> None:
        run(test(*args, **named))

    return on_virtual_time
