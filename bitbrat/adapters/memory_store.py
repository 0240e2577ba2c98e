"""``memory://``: a store in this process. It promises everything a store promises, except to survive its process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar, get_args

from bitbrat.adapters.local_store import LocalStore
from bitbrat.adapters.locks import Holder, Key
from bitbrat.adapters.memory_documents import MemoryDocuments, MemoryFinals
from bitbrat.adapters.memory_inbox import MemoryInbox
from bitbrat.adapters.tables import Change, Decision, Ended, Put, Tables
from bitbrat.store import FinalOutcome, Hop, Outgoing, StoreCapabilities
from bitbrat.world import World

T = TypeVar("T")


class MemoryTables(MemoryDocuments, MemoryFinals, MemoryInbox):
    """All tables of a store, in dictionaries."""

    def __init__(self, world: World) -> None:
        MemoryInbox.__init__(self, world)
        MemoryDocuments.__init__(self)
        MemoryFinals.__init__(self)

    def commit(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing], *, owner: str, writes: Sequence[Put]) -> bool:
        """See the port."""
        if not self.settle(hop, state, tuple(outbox), owner=owner):
            return False
        self.write(writes)
        return True

    def apply(self, journal: Sequence[Change]) -> None:
        """Do what a transaction has written."""
        for change in journal:
            if isinstance(change, Decision):
                self.decide(change)
            elif isinstance(change, Put):
                self.write((change,))
            elif isinstance(change, Ended):
                self.end(change)
            else:
                self.enqueue((change,))

    def counts(self) -> Mapping[str, int]:
        """See the port."""
        outcomes = Counter(one.record.outcome for one in self._finals.values())
        return {
            "outbox": len(self._fresh) + len(self._held),
            "inbox": len(self._rows),
            **{f"final.{outcome}": outcomes[outcome] for outcome in get_args(FinalOutcome)},
            "final.surplus": sum(one.record.surplus for one in self._finals.values()),
            "quarantine": 0,
        }


class MemoryStore(LocalStore):
    """The store of ``memory://``. ``patience``: seconds that anybody waits for what a transaction has locked."""

    capabilities = StoreCapabilities("memory", durable=False, shared=False)

    def __init__(self, world: World, *, patience: float = 10.0) -> None:
        super().__init__(patience=patience)
        self._tables = MemoryTables(world)

    async def open(self) -> None:
        """See the port."""
        self.refuse_if_closed()

    async def healthy(self) -> bool:
        """See the port."""
        return not self._closed

    async def write(self, keys: Sequence[Key], work: Callable[[Tables], T]) -> T:
        """At once, unless a transaction holds one of ``keys``."""
        self.refuse_if_closed()
        held = self.locks.held
        if held and any(key in held for key in keys):
            holder = Holder()
            try:
                for key in keys:
                    await self.locks.acquire(holder, key)
                return work(self._tables)
            finally:
                self.locks.release(holder)
        return work(self._tables)

    async def read(self, work: Callable[[Tables], T]) -> T:
        """At once."""
        return work(self._tables)

    async def apply(self, journal: Sequence[Change], holder: Holder) -> None:
        """At once."""
        try:
            self._tables.apply(journal)
        finally:
            self.locks.release(holder)
