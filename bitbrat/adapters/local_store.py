"""The port of stores that one process owns: every operation is one step on its tables, under the locks of what it touches."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from bitbrat.adapters.local_transaction import LocalTransaction
from bitbrat.adapters.locks import Holder, Key, KeyLocks, document_key, final_key, hop_key
from bitbrat.adapters.tables import Change, Filter, Put, Tables, encoded
from bitbrat.adapters.values import check_name, to_json
from bitbrat.errors import StoreError
from bitbrat.store import Claim, Document, FinalOutcome, FinalRecord, FinalState, Hop, Outgoing, StoreCapabilities, Transaction, Write

T = TypeVar("T")


class LocalStore(ABC):
    """What memory and SQLite have in common. ``patience``: seconds that anybody waits for a lock."""

    capabilities: StoreCapabilities

    def __init__(self, *, patience: float) -> None:
        self.locks = KeyLocks(patience)
        self._patience = patience
        self._closed = False
        self._transactions = 0
        self._quiet = asyncio.Event()

    # What differs

    @abstractmethod
    async def write(self, keys: Sequence[Key], work: Callable[[Tables], T]) -> T:
        """Do ``work`` on the tables, as a whole or not at all, while nobody else holds ``keys``."""

    @abstractmethod
    async def read(self, work: Callable[[Tables], T]) -> T:
        """Ask the tables; a transaction may, even while the store is closing."""

    @abstractmethod
    async def apply(self, journal: Sequence[Change], holder: Holder) -> None:
        """Do what a transaction has written, as a whole or not at all, and then free what ``holder`` has locked."""

    # Life

    @abstractmethod
    async def open(self) -> None:
        """See the port."""

    async def close(self) -> None:
        """Refuse what is new, wait for the transactions under way, but no longer than anybody waits for them."""
        self._closed = True
        if self._transactions:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), self._patience)

    def refuse_if_closed(self) -> None:
        """Raise ``store.closed`` if so."""
        if self._closed:
            raise StoreError("store.closed", "the store is closed")

    async def _ask(self, work: Callable[[Tables], T]) -> T:
        self.refuse_if_closed()
        return await self.read(work)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """See the port."""
        return LocalTransaction(self)

    def begun(self) -> None:
        """A transaction begins."""
        self.refuse_if_closed()
        self._transactions += 1

    def ended(self) -> None:
        """A transaction has ended."""
        self._transactions -= 1
        if not self._transactions and self._closed:
            self._quiet.set()

    # Inbox

    async def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool = False) -> Claim:
        """See the port."""
        return await self.write(
            (hop_key(hop),), lambda tables: tables.claim(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent)
        )

    async def count_start(self, hop: Hop) -> int:
        """See the port."""
        return await self.write((hop_key(hop),), lambda tables: tables.count_start(hop))

    async def heartbeat(self, hop: Hop, *, owner: str, lease: float) -> bool:
        """See the port."""
        return await self.write((hop_key(hop),), lambda tables: tables.heartbeat(hop, owner=owner, lease=lease))

    async def release(self, hop: Hop, *, owner: str) -> None:
        """See the port."""
        await self.write((hop_key(hop),), lambda tables: tables.release(hop, owner=owner))

    async def commit(
        self,
        hop: Hop,
        state: Literal["done", "retry"],
        outbox: Iterable[Outgoing],
        *,
        owner: str,
        writes: Sequence[Write] = (),
    ) -> bool:
        """See the port."""
        keys: tuple[Key, ...] = (hop_key(hop),)
        puts: Sequence[Put] = ()
        if writes:
            puts = [encoded(write) for write in writes]
            keys += tuple(sorted({document_key(put.collection, put.key) for put in puts}))
        return await self.write(keys, lambda tables: tables.commit(hop, state, outbox, owner=owner, writes=puts))

    async def purge(self, *, older_than: timedelta) -> int:
        """See the port."""
        return await self.write((), lambda tables: tables.purge(older_than=older_than))

    # Outbox

    async def enqueue(self, messages: Iterable[Outgoing]) -> None:
        """See the port."""
        await self.write((), lambda tables: tables.enqueue(messages))

    async def unsent(self, *, grace: float, limit: int) -> list[Outgoing]:
        """See the port."""
        return await self._ask(lambda tables: tables.unsent(grace=grace, limit=limit))

    async def next_due(self) -> float | None:
        """See the port."""
        return await self._ask(lambda tables: tables.next_due())

    async def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """See the port."""
        await self.write((), lambda tables: tables.mark_sent(wire_ids))

    async def counts(self) -> Mapping[str, int]:
        """See the port."""
        return await self._ask(lambda tables: tables.counts())

    # Final records

    async def final(self, envelope_id: str) -> FinalRecord | None:
        """See the port."""
        return await self._ask(lambda tables: tables.final(envelope_id))

    async def finals(
        self,
        *,
        outcomes: Sequence[FinalOutcome] = (),
        states: Sequence[FinalState] = (),
        fingerprint: str = "",
        correlation_id: str = "",
        after: tuple[datetime, str] | None = None,
        newest_first: bool = True,
        limit: int = 100,
    ) -> list[FinalRecord]:
        """See the port."""
        which = Filter(outcomes, states, fingerprint, correlation_id, after, newest_first, limit)
        return await self._ask(lambda tables: tables.finals(which))

    async def next_replay(self, envelope_id: str) -> int | None:
        """See the port."""
        return await self.write((final_key(envelope_id),), lambda tables: tables.next_replay(envelope_id))

    async def set_state(self, envelope_id: str, state: FinalState) -> bool:
        """See the port."""
        return await self.write((final_key(envelope_id),), lambda tables: tables.set_state(envelope_id, state))

    # Documents

    async def get(self, collection: str, key: str) -> Document | None:
        """See the port."""
        return await self._ask(lambda tables: tables.get(collection, key))

    async def put(self, collection: str, key: str, value: Any, *, expected: int | None = None) -> int:
        """See the port."""
        check_name(collection, key)
        text = to_json(value)
        return await self.write((document_key(collection, key),), lambda tables: tables.put(collection, key, text, expected=expected))

    async def delete(self, collection: str, key: str) -> None:
        """See the port."""
        await self.write((document_key(collection, key),), lambda tables: tables.delete(collection, key))

    async def find(self, collection: str, *, prefix: str = "", limit: int = 100) -> list[Document]:
        """See the port."""
        return await self._ask(lambda tables: tables.find(collection, prefix=prefix, limit=limit))
