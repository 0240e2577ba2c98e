"""Waiting: for the first of several things, for a turn, for tasks to be gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def first(*waits: Coroutine[None, None, object]) -> None:
    """Wait until one of them is done and raise what it raised; the others are cancelled."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel(*tasks)
    for task in done:
        task.result()


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks and wait until they are gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def turn(wait: Callable[[], float]) -> None:
    """Sleep until ``wait`` says 0 s. Nothing else runs between that and the return, so what it saw still holds."""
    while (seconds := wait()) > 0:  # noqa: ASYNC110  (nobody tells when a window has room: only the time does)
        await asyncio.sleep(seconds)
