"""The relay publishes what hops have decided and left: retries when they are due, and rows whose hop died before it sent them."""

from __future__ import annotations

import asyncio
import contextlib

from bitbrat.errors import BitBratError
from bitbrat.hop.observer import Observer
from bitbrat.hop.sender import Sender
from bitbrat.store import Store

BATCH = 200


class Relay:
    """One per process. ``grace``: how long a row may be unsent before the relay takes it for left; ``poll``: both in seconds."""

    def __init__(self, store: Store, sender: Sender, observer: Observer, *, grace: float = 2.0, poll: float = 1.0) -> None:
        self._store = store
        self._sender = sender
        self._observer = observer
        self._grace = grace
        self._poll = poll
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for rows."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="relay")

    def wake(self) -> None:
        """A held-back row was written: look at when it is due."""
        self._wake.set()

    async def stop(self) -> None:
        """Stop. Rows that are left are published by the next process."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def sweep(self) -> int:
        """Publish what is due now; returns how many rows were stored by the bus."""
        rows = await self._store.unsent(grace=self._grace, limit=BATCH)
        if not rows:
            return 0
        sent = await self._sender.send(rows)
        await self._store.mark_sent(sent)
        left = sum(row.not_before is None for row in rows)
        if left:
            self._observer.resent(left)
        return len(sent)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                while await self.sweep() >= BATCH:
                    pass
                due = await self._store.next_due()
            except BitBratError as error:
                self._observer.trouble("relay", error)
                due = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._poll if due is None else min(max(due, 0.005), self._poll))
