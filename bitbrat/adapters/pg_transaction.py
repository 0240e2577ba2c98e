"""A transaction of the PostgreSQL store: one of the database's own, on one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, Protocol, TypeVar

from bitbrat.adapters.pg_connection import PgConnection
from bitbrat.adapters.pg_errors import DRIVER_ERRORS, mapped
from bitbrat.adapters.pg_pool import roll_back
from bitbrat.adapters.pg_tables import CHANGE_ANY, DECIDE_NEW, KEEP, PUT, PgTables, decided, kept, named, new_inside
from bitbrat.adapters.tables import Decision, Ended
from bitbrat.adapters.values import check_name, to_json
from bitbrat.errors import StoreError, StoreUnavailable
from bitbrat.store import Claim, Document, FinalRecord, Hop, Outgoing

T = TypeVar("T")


class Home(Protocol):
    """The store that a transaction belongs to."""

    async def begin(self) -> PgConnection:
        """A connection. Raises ``store.closed``, ``store.unavailable``."""
        ...

    async def end(self, connection: PgConnection) -> None:
        """Give it back."""
        ...


class PgTransaction:
    """See ``bitbrat.store.Transaction``. Used as ``async with store.transaction() as tx``."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._link: PgConnection | None = None
        self._one = asyncio.Lock()
        self._own: dict[tuple[str, str], Hop] = {}
        """Hops whose row this transaction has made, decided as ``done``, and has not decided yet."""

    async def __aenter__(self) -> PgTransaction:
        link = await self._home.begin()
        try:
            await link.raw.execute("BEGIN")
        except BaseException as error:
            await self._home.end(link)
            if isinstance(error, DRIVER_ERRORS):
                raise mapped(error) from error
            raise
        self._link = link
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        async with self._one:  # a left-over task of the handler may still be at it
            link, self._link = self._link, None
        if link is None:
            return
        try:
            await (self._commit(link) if kind is None else roll_back(link))
        except DRIVER_ERRORS as error:
            if kind is None:
                raise mapped(error) from error
        finally:
            await self._home.end(link)

    async def _commit(self, link: PgConnection) -> None:
        try:
            for hop in self._own.values():
                await link.run(lambda tables, hop=hop: tables.forget(hop))  # type: ignore[misc]
            answer = await link.raw.execute("COMMIT")
        except BaseException:
            await roll_back(link)
            raise
        if answer != "COMMIT":
            raise StoreUnavailable("store.unavailable", "PostgreSQL rolled the transaction back: a statement in it had failed")

    async def claim(self, hop: Hop, *, max_starts: int) -> Claim:
        """See the port."""
        key = (hop.group, hop.id)
        if key in self._own:
            return Claim("run")
        if await self._use(lambda link: link.execute(DECIDE_NEW, decided(hop, "done"))):
            self._own[key] = hop
            return new_inside(max_starts)
        claim, made = await self._do(lambda tables: tables.claim_inside(hop, max_starts=max_starts))
        if made:
            self._own[key] = hop
        return claim

    async def finish(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing]) -> None:
        """See the port."""
        if state != "done" or self._own.get((hop.group, hop.id)) != hop:
            await self._do(lambda tables: tables.decide(Decision(hop, state)))
        for message in outbox:
            parameters = kept(message, message.hop or hop)
            await self._use(lambda link, parameters=parameters: link.execute(KEEP, parameters))  # type: ignore[misc]
        self._own.pop((hop.group, hop.id), None)

    async def enqueue(self, message: Outgoing) -> None:
        """See the port."""
        await self._do(lambda tables: tables.enqueue((message,)))

    async def get(self, collection: str, key: str) -> Any | None:
        """See the port."""
        found = await self._do(lambda tables: tables.get_locked(collection, key))
        return found and found.value

    async def put(self, collection: str, key: str, value: Any) -> None:
        """See the port."""
        check_name(collection, key)
        parameters = {**named(collection, key), "value": to_json(value)}
        if not await self._use(lambda link: link.fetch(CHANGE_ANY, parameters)):
            await self._use(lambda link: link.fetch(PUT, parameters))

    async def delete(self, collection: str, key: str) -> None:
        """See the port."""
        await self._do(lambda tables: tables.delete(collection, key))

    async def find(self, collection: str, *, prefix: str = "", limit: int = 100) -> list[Document]:
        """See the port."""
        return await self._do(lambda tables: tables.find(collection, prefix=prefix, limit=limit))

    async def record(self, final: FinalRecord) -> bool:
        """See the port."""
        detail = to_json(dict(final.detail))
        return await self._do(lambda tables: tables.end(Ended(final, detail)))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """See the port."""
        own = dict(self._own)
        await self._say("SAVEPOINT bitbrat")
        try:
            yield
        except BaseException:
            self._own = own
            await self._say("ROLLBACK TO SAVEPOINT bitbrat; RELEASE SAVEPOINT bitbrat")
            raise
        await self._say("RELEASE SAVEPOINT bitbrat")

    async def _say(self, statement: str) -> None:
        async with self._one:
            try:
                await self._connection().raw.execute(statement)
            except DRIVER_ERRORS as error:
                raise mapped(error) from error

    async def _do(self, work: Callable[[PgTables], T]) -> T:
        return await self._use(lambda link: link.run(work))

    async def _use(self, use: Callable[[PgConnection], Awaitable[T]]) -> T:
        async with self._one:
            try:
                return await use(self._connection())
            except DRIVER_ERRORS as error:
                raise mapped(error) from error

    def _connection(self) -> PgConnection:
        if self._link is None:
            raise StoreError("store.closed", "this transaction is over")
        return self._link
