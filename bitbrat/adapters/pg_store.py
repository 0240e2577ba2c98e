"""``postgresql://…``: a store in a database that several processes share. The database's own transactions, clock and locks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, TypeVar

from bitbrat.adapters.local_store import LocalStore
from bitbrat.adapters.locks import Holder, Key
from bitbrat.adapters.pg_connection import PgConnection
from bitbrat.adapters.pg_errors import DRIVER_ERRORS, mapped
from bitbrat.adapters.pg_pool import PgPool, roll_back
from bitbrat.adapters.pg_schema import migrate
from bitbrat.adapters.pg_tables import SENT, TYPES, PgTables
from bitbrat.adapters.pg_transaction import PgTransaction
from bitbrat.adapters.sql_inbox import PURGE_AT_ONCE
from bitbrat.adapters.sql_schema import changes
from bitbrat.adapters.tables import Change
from bitbrat.adapters.values import check_name, to_json
from bitbrat.config.pg_url import PgAddress
from bitbrat.errors import StoreError
from bitbrat.store import Claim, Hop, StoreCapabilities, Transaction

T = TypeVar("T")
_log = logging.getLogger("bitbrat.store")
_WRITABLE = "SELECT current_setting('transaction_read_only') = 'off'"
_HEALTH_SECONDS = 2.0


class PgStore(LocalStore):
    """The store of ``postgresql://``. ``patience``: seconds that anybody waits for a connection or a lock.

    ``open`` makes the tables where they are missing, and raises ``store.schema``, ``store.unavailable``. Locks are the
    database's: those of ``LocalStore`` stay unused.
    """

    capabilities = StoreCapabilities("postgresql", durable=True, shared=True)

    def __init__(self, address: PgAddress, *, patience: float = 10.0) -> None:
        super().__init__(patience=patience)
        self._address = address
        self._pool: PgPool | None = None

    def __repr__(self) -> str:
        return f"PgStore({self._address.shown})"

    # Life

    async def open(self) -> None:
        """See the port."""
        self.refuse_if_closed()
        if self._pool:
            return
        pool = PgPool(self._address, self._patience)
        try:
            link = await pool.take()
            try:
                await migrate(link.raw, "store", changes(TYPES))
            finally:
                pool.give(link)
        except DRIVER_ERRORS as error:
            await pool.close()
            raise self._of(error) from error
        except BaseException:
            await pool.close()
            raise
        self._pool = pool

    async def close(self) -> None:
        """See the port."""
        await super().close()
        if self._pool:
            await self._pool.close()

    async def healthy(self) -> bool:
        """See the port. A server that is there and takes no writes (a standby) is not healthy."""
        try:
            self.refuse_if_closed()
            async with asyncio.timeout(_HEALTH_SECONDS):
                link = await self._open_pool.take()
                try:
                    return bool(await link.raw.fetchval(_WRITABLE))
                finally:
                    self._open_pool.give(link)
        except (*DRIVER_ERRORS, StoreError):
            return False

    # How the port's operations reach the tables

    async def write(self, keys: Sequence[Key], work: Callable[[PgTables], T]) -> T:  # noqa: ARG002
        """In a transaction of its own."""
        self.refuse_if_closed()
        return await self._with(lambda link: _as_a_whole(link, work))

    async def read(self, work: Callable[[PgTables], T]) -> T:
        """From what is committed; also a change that is one statement, which is a transaction by itself."""
        return await self._with(lambda link: link.run(work))

    async def apply(self, journal: Sequence[Change], holder: Holder) -> None:  # noqa: ARG002
        """In a transaction of its own."""
        await self.write((), lambda tables: tables.apply(journal))

    async def _with(self, use: Callable[[PgConnection], Awaitable[T]]) -> T:
        link: PgConnection | None = None
        try:
            link = await self._open_pool.take()
            return await use(link)
        except DRIVER_ERRORS as error:
            raise self._of(error) from error
        finally:
            if link:
                await self._give(link)

    async def _give(self, link: PgConnection) -> None:
        bad, link.tables.bad = link.tables.bad, []
        self._open_pool.give(link)
        for table, key, why in bad:
            await self._set_aside(table, key, why)

    async def _set_aside(self, table: str, key: Mapping[str, Any], why: str) -> None:
        _log.error("store.bad_row: a row of %s is set aside: %s: %s", table, "/".join(map(str, key.values())), why)
        try:
            await self.write((), lambda tables: tables.set_aside(table, key, why))
        except StoreError as error:
            _log.warning("store.bad_row: it stays for now: %s", error.message)

    @property
    def _open_pool(self) -> PgPool:
        if self._pool is None:
            raise StoreError("store.closed", "the store is not open")
        return self._pool

    def _of(self, error: BaseException) -> StoreError:
        found = mapped(error)
        return type(found)(found.code, f"{self._address.shown}: {found.message}")

    # Transactions

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """See the port."""
        return PgTransaction(self)

    async def begin(self) -> PgConnection:
        """A connection for a transaction."""
        self.begun()
        try:
            return await self._open_pool.take()
        except BaseException as error:
            self.ended()
            if isinstance(error, DRIVER_ERRORS):
                raise self._of(error) from error
            raise

    async def end(self, connection: PgConnection) -> None:
        """The transaction is over."""
        try:
            await self._give(connection)
        finally:
            self.ended()

    # Where one statement is enough

    async def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool = False) -> Claim:
        """See the port."""
        self.refuse_if_closed()
        fresh = await self.read(lambda tables: tables.claim_new(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent))
        return fresh or await super().claim(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent)

    async def heartbeat(self, hop: Hop, *, owner: str, lease: float) -> bool:
        """See the port."""
        return await self._ask(lambda tables: tables.heartbeat(hop, owner=owner, lease=lease))

    async def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """See the port."""
        self.refuse_if_closed()
        await self._with(lambda link: link.execute(SENT, {"wire_ids": list(wire_ids)}))

    async def put(self, collection: str, key: str, value: Any, *, expected: int | None = None) -> int:
        """See the port."""
        check_name(collection, key)
        text = to_json(value)
        return await self._ask(lambda tables: tables.put(collection, key, text, expected=expected))

    async def delete(self, collection: str, key: str) -> None:
        """See the port."""
        await self._ask(lambda tables: tables.delete(collection, key))

    async def purge(self, *, older_than: timedelta) -> int:
        """See the port. In small bites, so that locks are short."""
        total = count = await super().purge(older_than=older_than)
        while count == PURGE_AT_ONCE:
            count = await super().purge(older_than=older_than)
            total += count
        return total


async def _as_a_whole(link: PgConnection, work: Callable[[PgTables], T]) -> T:
    try:
        await link.raw.execute("BEGIN")
        result = await link.run(work)
        await link.raw.execute("COMMIT")
    except BaseException:
        await roll_back(link)
        raise
    return result
