"""One SQLite file, owned by one process, shared by the bus and the store inside it: one writer, one commit for both.

Source: ``docs/concepts/delivery.md`` (the laptop profile keeps the same promise: WAL, ``synchronous=FULL``, group commit).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from bitbrat.adapters.sqlite_commit import Done, GroupCommit
from bitbrat.adapters.sqlite_lock import Held, OwnerLock
from bitbrat.errors import BitBratError, BusError, BusUnavailable, StoreError, StoreUnavailable

T = TypeVar("T")
Area = Literal["bus", "store"]

_ERRORS: dict[str, tuple[type[BitBratError], type[BitBratError]]] = {
    "bus": (BusError, BusUnavailable),
    "store": (StoreError, StoreUnavailable),
}


class SqliteFile:
    """A handle on an SQLite file for one ``area``, whose error codes it speaks. Handles of one process share the file.

    Made and used on the thread of one event loop. Raises ``<area>.in_use`` when another process owns the file,
    ``<area>.unavailable`` when it cannot be opened. The file and its lock are made with mode 0600, missing folders 0700.
    """

    def __init__(self, path: str | Path, *, area: Area) -> None:
        self._error, self._unavailable = _ERRORS[area]
        self._area = area
        self._closed = False
        self.path = Path(path).expanduser().resolve()
        try:
            self._shared = _Shared.of(self.path)
        except Held as held:
            raise self._error(
                f"{area}.in_use",
                f"{self.path} is in use by the process {held.pid}",
                why="an SQLite file has one owner process at a time",
            ) from None
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(f"{area}.unavailable", f"{self.path} cannot be opened: {error}") from error

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in the next transaction, and return its result once that is on the disk.

        Works that come together share a transaction. One that raises undoes only itself, and its exception comes out here.
        ``work`` gets the writing connection, inside a savepoint; it must be short (it runs on the loop) and must not
        commit. It is called once even when the caller is cancelled. Raises ``<area>.unavailable``, ``<area>.closed``.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settle(result: T, error: BaseException | None) -> None:
            if answer.cancelled():
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)

        self.submit(work, settle)
        return await answer

    def submit(self, work: Callable[[sqlite3.Connection], Any], done: Done) -> None:
        """Like ``run`` without waiting: ``done(result, error)`` is called on the loop after the commit."""
        self._check_open()
        self._shared.writer.submit(work, lambda result, error: done(result, self._mapped(error) if error else None))

    def post(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        """Like ``run`` for a note whose loss does no harm: nobody waits for it, its failure is nobody's."""
        self.submit(work, lambda _result, _error: None)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work``, which only reads, on what is committed now, without waiting for a commit."""
        return self.read_now(work)

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same from where one cannot await. Inside, everything is read from one and the same state."""
        self._check_open()
        reader = self._shared.reader
        try:
            reader.execute("BEGIN")
            try:
                return work(reader)
            finally:
                reader.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._mapped(error) from error

    def recover(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        """Look again at what is committed, after a failure; when even that fails, what was known stays."""
        with contextlib.suppress(sqlite3.Error):
            work(self._shared.reader)

    def set_up(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction of its own, now, from where one cannot await: for schemas and first looks."""
        self._check_open()
        connection = _connect(self.path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection)
            connection.execute("COMMIT")
            return result
        except sqlite3.Error as error:
            raise self._mapped(error) from error
        finally:
            connection.close()

    async def close(self) -> None:
        """Wait for what was submitted, then let go; the last handle closes the file and lets the next process in. Idempotent."""
        if not self._closed:
            self._closed = True
            await self._shared.release()

    def give_up(self) -> None:
        """Let go at once, from where one cannot await, of a file of which nothing was asked yet."""
        if not self._closed:
            self._closed = True
            self._shared.let_go()

    def _check_open(self) -> None:
        if self._closed:
            raise self._error(f"{self._area}.closed", f"the {self._area} is closed")

    def _mapped(self, error: BaseException) -> BaseException:
        if isinstance(error, sqlite3.OperationalError):
            mapped = self._unavailable(f"{self._area}.unavailable", f"{self.path}: {error}")
            mapped.__cause__ = error
            return mapped
        return error


class _Shared:
    """What the handles on one file share: the owner's lock, the writer, the reader."""

    _files: dict[Path, _Shared] = {}  # noqa: RUF012  by real path, for the whole process: that is the point

    @classmethod
    def of(cls, path: Path) -> _Shared:
        shared = cls._files.get(path)
        if shared is None:
            shared = cls._files[path] = cls(path)
        shared.handles += 1
        return shared

    def __init__(self, path: Path) -> None:
        self._path = path
        self.handles = 0
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = OwnerLock(path)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = _connect(path)
            self.reader = _connect(path)
            self.reader.execute("PRAGMA query_only = ON")
        except BaseException:
            self._lock.release()
            raise
        self.writer = GroupCommit(self._connection)

    async def release(self) -> None:
        try:
            await self.writer.drain()
        finally:
            self.let_go()

    def let_go(self) -> None:
        self.handles -= 1
        if self.handles == 0:
            self._shut()

    def _shut(self) -> None:
        del self._files[self._path]
        self.writer.stop()
        self.reader.close()
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        self._lock.release()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
