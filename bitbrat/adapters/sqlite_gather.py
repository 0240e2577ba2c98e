"""Many small changes become one work of the next transaction, so that a message costs no work of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from bitbrat.adapters.sqlite_file import SqliteFile

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Batch(Generic[Item, Result]):
    """Items that go together, and who waits for each."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.answers: list[asyncio.Future[Result]] = []


class Gather(Generic[Item, Result]):
    """Collects items until the writer takes them; each caller gets the result of its own item after the commit.

    ``apply(connection, items)`` makes the changes and returns a result an item. ``after(items, results)`` is called once
    they are on the disk, ``failed(items)`` when they are not, before the callers learn of it.
    """

    def __init__(
        self,
        file: SqliteFile,
        *,
        apply: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]],
        after: Callable[[Sequence[Item], Sequence[Result]], None],
        failed: Callable[[Sequence[Item]], None],
    ) -> None:
        self._file = file
        self._apply, self._after, self._failed = apply, after, failed
        self._open: _Batch[Item, Result] | None = None

    def add(self, item: Item) -> asyncio.Future[Result]:
        """Have ``item`` changed with the next transaction."""
        batch = self._open
        if batch is None:
            batch = _Batch[Item, Result]()
            self._file.submit(partial(self._work, batch), partial(self._done, batch))
            self._open = batch
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        batch.items.append(item)
        batch.answers.append(answer)
        return answer

    def _work(self, batch: _Batch[Item, Result], connection: sqlite3.Connection) -> Sequence[Result]:
        self._open = None
        return self._apply(connection, batch.items)

    def _done(self, batch: _Batch[Item, Result], results: Sequence[Result], error: BaseException | None) -> None:
        if self._open is batch:  # the transaction could not even begin
            self._open = None
        if error is None:
            self._after(batch.items, results)
        else:
            self._failed(batch.items)
        for place, answer in enumerate(batch.answers):
            if answer.done():
                continue
            if error is None:
                answer.set_result(results[place])
            else:
                answer.set_exception(error)
