"""``sqlite:///path``: a store in one file, owned by one process. It survives a kill, and finds all claims without an owner then."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bitbrat.adapters.local_store import LocalStore
from bitbrat.adapters.locks import Holder, Key, KeyLocks
from bitbrat.adapters.sql_inbox import PURGE_AT_ONCE
from bitbrat.adapters.sql_schema import SQLITE_TYPES, changes
from bitbrat.adapters.sql_tables import SqlTables
from bitbrat.adapters.sqlite_connection import SqliteConnection
from bitbrat.adapters.sqlite_file import SqliteFile
from bitbrat.adapters.sqlite_schema import migrate
from bitbrat.adapters.tables import Change, Tables
from bitbrat.adapters.values import micros
from bitbrat.errors import StoreError, StoreUnavailable
from bitbrat.store import Outgoing, StoreCapabilities
from bitbrat.world import World

T = TypeVar("T")
_log = logging.getLogger("bitbrat.store")


class WorldClock:
    """The clock of a store that one process owns. Leases use the one that never goes back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.lease_now = world.monotonic

    def now(self) -> int:
        """Microseconds since 1970."""
        return micros(self._world.now())


class _Claims:
    """What the stores on one file share: the locks, and that the claims of the process before were voided."""

    by_path: dict[Path, _Claims] = {}  # noqa: RUF012  for the whole process: that is the point

    def __init__(self, patience: float) -> None:
        self.locks = KeyLocks(patience)
        self.stores = 0


class SqliteStore(LocalStore):
    """The store of ``sqlite:///path``. ``patience``: seconds that anybody waits for what a transaction has locked.

    ``open`` raises ``store.in_use``, ``store.schema``, ``store.unavailable``.
    """

    capabilities = StoreCapabilities("sqlite", durable=True, shared=False)

    def __init__(self, path: str | Path, world: World, *, patience: float = 10.0) -> None:
        super().__init__(patience=patience)
        self._path = path
        self._clock = WorldClock(world)
        self._opened: SqliteFile | None = None
        self._tables: dict[int, SqlTables] = {}
        self._marks: set[asyncio.Future[None]] = set()

    # Life

    async def open(self) -> None:
        """See the port."""
        self.refuse_if_closed()
        if self._opened:
            return
        file = SqliteFile(self._path, area="store")
        claims = _Claims.by_path.get(file.path)
        try:
            await file.run(lambda raw: self._prepare(raw, first=claims is None))
        except BaseException:
            await file.close()
            raise
        claims = _Claims.by_path.setdefault(file.path, claims or _Claims(self._patience))
        claims.stores += 1
        self.locks = claims.locks
        self._opened = file

    async def close(self) -> None:
        """See the port."""
        await super().close()
        file, self._opened = self._opened, None
        if file:
            claims = _Claims.by_path[file.path]
            claims.stores -= 1
            if not claims.stores:
                del _Claims.by_path[file.path]
            await file.close()

    async def healthy(self) -> bool:
        """See the port."""
        try:
            await self.write((), lambda tables: tables.lease_now())
        except StoreError:
            return False
        return True

    def _prepare(self, raw: sqlite3.Connection, *, first: bool) -> None:
        migrate(raw, "store", changes(SQLITE_TYPES))
        if first:
            self._on(raw).orphan()

    # How the port's operations reach the tables

    async def write(self, keys: Sequence[Key], work: Callable[[Tables], T]) -> T:
        """In the next group commit."""
        self.refuse_if_closed()
        holder = Holder()
        try:
            for key in keys:
                await self.locks.acquire(holder, key)
            answer = self._submit(work, holder)
        except BaseException:
            self.locks.release(holder)
            raise
        return await answer

    async def read(self, work: Callable[[Tables], T]) -> T:
        """From what is committed."""
        try:
            return await self._file.read(lambda raw: self._work_on(raw, work))
        except sqlite3.Error as exc:
            raise self._unavailable(exc) from exc

    async def apply(self, journal: Sequence[Change], holder: Holder) -> None:
        """In the next group commit."""
        try:
            answer = self._submit(lambda tables: tables.apply(journal), holder)
        except BaseException:
            self.locks.release(holder)
            raise
        await answer

    def _submit(self, work: Callable[[Tables], T], holder: Holder) -> asyncio.Future[T]:
        """The locks are held until it is committed, even when nobody waits for the answer any more."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settle(result: T, error: BaseException | None) -> None:
            self.locks.release(holder)
            if answer.done():
                return
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(self._unavailable(error) if isinstance(error, sqlite3.Error) else error)

        self._file.submit(lambda raw: self._work_on(raw, work), settle)
        return answer

    def _work_on(self, raw: sqlite3.Connection, work: Callable[[Tables], T]) -> T:
        tables = self._on(raw)
        try:
            return work(tables)
        finally:
            if tables.bad:
                self._set_aside(tables)

    def _set_aside(self, tables: SqlTables) -> None:
        bad, tables.bad = tables.bad, []
        for table, key, why in bad:
            _log.error("store.bad_row: a row of %s is set aside: %s: %s", table, "/".join(map(str, key.values())), why)
            self._file.post(lambda raw, one=(table, key, why): self._on(raw).set_aside(*one))  # type: ignore[misc]

    def _on(self, raw: sqlite3.Connection) -> SqlTables:
        tables = self._tables.get(id(raw))
        if tables is None:
            tables = self._tables[id(raw)] = SqlTables(SqliteConnection(raw), self._clock)
        return tables

    @property
    def _file(self) -> SqliteFile:
        if self._opened is None:
            raise StoreError("store.closed", "the store is not open")
        return self._opened

    def _unavailable(self, error: BaseException) -> StoreUnavailable:
        return StoreUnavailable("store.unavailable", f"{self._path}: {error}")

    # Where it pays to differ

    async def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """See the port. Nobody waits for the disk here: it goes along with the next commit."""
        self.refuse_if_closed()
        mark = self._submit(lambda tables: tables.mark_sent(wire_ids), Holder())
        self._marks.add(mark)
        mark.add_done_callback(self._marked)

    def _marked(self, mark: asyncio.Future[None]) -> None:
        self._marks.discard(mark)
        if not mark.cancelled():
            mark.exception()  # known, and harmless: the row is published once more

    async def unsent(self, *, grace: float, limit: int) -> list[Outgoing]:
        """See the port."""
        await self._all_marked()
        return await super().unsent(grace=grace, limit=limit)

    async def next_due(self) -> float | None:
        """See the port."""
        await self._all_marked()
        return await super().next_due()

    async def counts(self) -> Mapping[str, int]:
        """See the port."""
        await self._all_marked()
        return await super().counts()

    async def _all_marked(self) -> None:
        if self._marks:
            await asyncio.wait(self._marks)

    async def purge(self, *, older_than: timedelta) -> int:
        """See the port. In small bites, so that others get their turn."""
        total = count = await super().purge(older_than=older_than)
        while count == PURGE_AT_ONCE:
            count = await super().purge(older_than=older_than)
            total += count
        return total
