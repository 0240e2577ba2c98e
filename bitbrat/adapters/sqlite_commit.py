"""Group commit: the works of many callers run in one transaction, and all of them wait for the same sync of the disk.

Statements run where the event loop runs; only COMMIT, which waits for the disk, has a thread. On another thread each row
of each statement would have to win the interpreter's lock back from a busy loop, which takes up to 5 ms.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Work = Callable[[sqlite3.Connection], Any]
Done = Callable[[Any, BaseException | None], None]

MAX_BATCH = 256
"""Works in one transaction: between two transactions the loop gets to do other things."""


class GroupCommit:
    """Takes works at any time; runs those that wait in one transaction, each in a savepoint of its own; answers after COMMIT."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: deque[tuple[Work, Done]] = deque()
        self._batch: list[tuple[Done, Any, BaseException | None]] = []
        self._busy = False
        self._idle: list[asyncio.Future[None]] = []
        self._requests: SimpleQueue[asyncio.AbstractEventLoop | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._commits, name="bitbrat-sqlite-commit", daemon=True)
        self._thread.start()

    def submit(self, work: Work, done: Done) -> None:
        """Queue ``work``; ``done(result, error)`` is called on the loop once what it did is on the disk, or undone."""
        self._queue.append((work, done))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._run_batch)

    async def drain(self) -> None:
        """Return once nothing is queued or under way."""
        while self._busy:
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            await waiter

    def stop(self) -> None:
        """End the thread. Only when drained."""
        self._requests.put(None)
        self._thread.join()

    def _run_batch(self) -> None:
        works = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._batch = [(done, *self._run_one(work)) for work, done in works]
        except sqlite3.Error as error:  # the transaction itself is gone, and with it what all of them did
            self._roll_back()
            self._batch = [(done, None, error) for _, done in works]
            self._answer(None)
            return
        self._requests.put(asyncio.get_running_loop())

    def _run_one(self, work: Work) -> tuple[Any, BaseException | None]:
        execute = self._connection.execute
        execute("SAVEPOINT work")
        try:
            result, failure = work(self._connection), None
        except Exception as error:
            execute("ROLLBACK TO work")
            result, failure = None, error
        execute("RELEASE work")
        return result, failure

    def _commits(self) -> None:
        """The thread's whole life."""
        while (loop := self._requests.get()) is not None:
            failure: BaseException | None = None
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                failure = sqlite3.OperationalError(f"nothing was committed: {error}")
                failure.__cause__ = error
            try:
                loop.call_soon_threadsafe(self._answer, failure)
            except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
                self._busy = False

    def _answer(self, failure: BaseException | None) -> None:
        batch, self._batch = self._batch, []
        if self._queue:
            asyncio.get_running_loop().call_soon(self._run_batch)
        else:
            self._busy = False
        for done, result, error in batch:
            done(None if failure else result, failure or error)
        if not self._busy:
            waiters, self._idle = self._idle, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.rollback()
