"""A transaction of a store that one process owns: a journal of changes, and the locks of what it has read.

Nothing is written before the end; then the whole journal is, in one step. So a handler that waits inside its
transaction holds up only those who want the same keys, and rolling back means dropping the journal.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, Protocol, TypeVar

from bitbrat.adapters.inbox import judge, running
from bitbrat.adapters.locks import Holder, Key, KeyLocks, document_key, final_key, hop_key
from bitbrat.adapters.tables import Change, Decision, Ended, Put, Tables
from bitbrat.adapters.values import check_name, to_json
from bitbrat.errors import StoreError
from bitbrat.store import Claim, Document, FinalRecord, Hop, Outgoing

T = TypeVar("T")


class Home(Protocol):
    """The store that a transaction belongs to."""

    locks: KeyLocks

    def begun(self) -> None:
        """A transaction begins. Raises ``store.closed``."""
        ...

    def ended(self) -> None:
        """A transaction has ended."""
        ...

    async def read(self, work: Callable[[Tables], T]) -> T:
        """Ask the tables."""
        ...

    async def apply(self, journal: Sequence[Change], holder: Holder) -> None:
        """Do all of it or nothing; returns once it is stored. Then, and not before, ``holder``'s locks are free."""
        ...


class LocalTransaction:
    """See ``bitbrat.store.Transaction``. Used as ``async with store.transaction() as tx``."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._holder = Holder()
        self._journal: list[Change] = []
        self._open = False

    async def __aenter__(self) -> LocalTransaction:
        self._home.begun()
        self._open = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self._open = False
        try:
            if kind is None and self._journal:
                await self._home.apply(self._journal, self._holder)
            else:
                self._home.locks.release(self._holder)
        finally:
            self._home.ended()

    async def claim(self, hop: Hop, *, max_starts: int) -> Claim:
        """See the port."""
        await self._lock(hop_key(hop))
        return await self._home.read(lambda tables: _claim(tables, hop, max_starts))

    async def finish(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing]) -> None:
        """See the port."""
        await self._lock(hop_key(hop))
        self._journal.append(Decision(hop, state))
        self._journal += [message if message.hop else _of(hop, message) for message in outbox]

    async def enqueue(self, message: Outgoing) -> None:
        """See the port."""
        self._refuse_if_over()
        self._journal.append(message)

    async def get(self, collection: str, key: str) -> Any | None:
        """See the port."""
        await self._lock(document_key(collection, key))
        for change in reversed(self._journal):
            if isinstance(change, Put) and change.key == key and change.collection == collection:
                return None if change.text is None else json.loads(change.text)
        found = await self._home.read(lambda tables: tables.get(collection, key))
        return found and found.value

    async def put(self, collection: str, key: str, value: Any) -> None:
        """See the port."""
        check_name(collection, key)
        await self._write(Put(collection, key, to_json(value)))

    async def delete(self, collection: str, key: str) -> None:
        """See the port."""
        await self._write(Put(collection, key, None))

    async def find(self, collection: str, *, prefix: str = "", limit: int = 100) -> list[Document]:
        """See the port."""
        self._refuse_if_over()
        own = [c for c in self._journal if isinstance(c, Put) and c.collection == collection and c.key.startswith(prefix)]
        stored = await self._home.read(lambda tables: tables.find(collection, prefix=prefix, limit=limit + len(own)))
        return _overlaid(stored, own)[:limit]

    async def record(self, final: FinalRecord) -> bool:
        """See the port."""
        detail = to_json(dict(final.detail))
        await self._lock(final_key(final.id))
        known = [c.record for c in self._journal if isinstance(c, Ended) and c.record.id == final.id]
        stored = await self._home.read(lambda tables: tables.ended(final.id))
        known += [stored] if stored else []
        self._journal.append(Ended(final, detail))
        return not known or (final.outcome != "pending_reply" and all(one.outcome == "pending_reply" for one in known))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """See the port."""
        mark = len(self._journal)
        try:
            yield
        except BaseException:
            del self._journal[mark:]
            raise

    async def _write(self, put: Put) -> None:
        await self._lock(document_key(put.collection, put.key))
        self._journal.append(put)

    async def _lock(self, key: Key) -> None:
        self._refuse_if_over()
        await self._home.locks.acquire(self._holder, key)
        self._refuse_if_over()

    def _refuse_if_over(self) -> None:
        if not self._open:
            raise StoreError("store.closed", "this transaction is over")


def _claim(tables: Tables, hop: Hop, max_starts: int) -> Claim:
    row = tables.row(hop)
    now = tables.lease_now()
    answer = judge(row, hop, now=now, max_starts=max_starts, counting=0)
    if answer == "running" and row:
        return running(row, now)
    unsent = tables.unsent_of(hop) if answer in ("done", "stale") else ()
    return Claim(answer, row.starts if row else 0, outbox=unsent, digest=row.digest if row else "")


def _of(hop: Hop, message: Outgoing) -> Outgoing:
    return Outgoing(message.wire_id, message.topic, message.data, message.headers, message.not_before, hop)


def _overlaid(stored: list[Document], own: list[Put]) -> list[Document]:
    """Documents by key, as they will be after ``own``."""
    documents = {one.key: one for one in stored}
    for put in own:
        before = documents.pop(put.key, None)
        if put.text is not None:
            documents[put.key] = Document(put.key, json.loads(put.text), before.version + 1 if before else 1)
    return [documents[key] for key in sorted(documents)]
