"""The simulated store as one process sees it: commits that fail before or after they were applied, and lost connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from bitbrat.adapters.local_store import LocalStore
from bitbrat.adapters.local_transaction import LocalTransaction
from bitbrat.adapters.locks import Holder, Key, hop_key
from bitbrat.adapters.tables import Change, Tables
from bitbrat.errors import StoreUnavailable
from bitbrat.sim.database import Database, Ledger
from bitbrat.sim.loop import INCARNATION
from bitbrat.sim.world import SimWorld
from bitbrat.store import Claim, Hop, Outgoing, StoreCapabilities

T = TypeVar("T")


class SimTransaction(LocalTransaction):
    """A transaction whose locks are free when its process dies."""

    def __init__(self, home: SimStore) -> None:
        super().__init__(home)
        home.database.enter(self._holder, INCARNATION.get())
        self._sim = home

    async def claim(self, hop: Hop, *, max_starts: int) -> Claim:
        """See the port."""
        claim = await super().claim(hop, max_starts=max_starts)
        self._sim.note_claim(hop, claim)
        return self._sim.witness(claim)


class SimStore(LocalStore):
    """A :class:`bitbrat.store.Store`: one client of ``database``."""

    capabilities = StoreCapabilities("sim", durable=True, shared=True)

    def __init__(self, database: Database, world: SimWorld) -> None:
        super().__init__(patience=10.0)
        self.database = database
        self.locks = database.locks
        self.claimed: dict[tuple[str, str], float] = {}
        self._world = world

    async def open(self) -> None:
        """See the port."""
        self.refuse_if_closed()

    async def healthy(self) -> bool:
        """See the port."""
        return not self._closed

    def transaction(self) -> SimTransaction:
        """See the port."""
        return SimTransaction(self)

    async def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool = False) -> Claim:
        """See the port."""

        def work(tables: Tables) -> Claim:
            claim = tables.claim(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent)
            self.note_claim(hop, claim)
            return claim

        return self.witness(await self.write((hop_key(hop),), work))

    def note_claim(self, hop: Hop, claim: Claim) -> None:
        """When this client was last told to run ``hop``."""
        if claim.state == "run":
            self.claimed[hop.group, hop.id] = self._world.monotonic()

    async def commit(self, hop: Hop, state: Literal["done", "retry"], outbox: object, *, owner: str, writes: object = ()) -> bool:
        """See the port."""
        kept = await super().commit(hop, state, outbox, owner=owner, writes=writes)  # type: ignore[arg-type]
        if not kept:
            self._world.sometimes("lease lost and result discarded")
        return kept

    def witness(self, claim: Claim) -> Claim:
        """Note what the answer was."""
        names = {"stale": "stale attempt acked without running", "crash_loop": "crash guard fired", "unknown": "intent found unknown"}
        if claim.state in names:
            self._world.sometimes(names[claim.state])
        if claim.state in ("done", "running"):
            self._world.sometimes("inbox conflict path")
        if claim.outbox:
            self._world.sometimes("stored outbox sent after a crash")
        return claim

    async def enqueue(self, messages: object) -> None:
        """See the port."""
        rows: tuple[Outgoing, ...] = tuple(messages)  # type: ignore[arg-type]
        if any(":early" in row.wire_id for row in rows):
            self._world.sometimes("early retry put back")
        await super().enqueue(rows)

    async def write(self, keys: Sequence[Key], work: Callable[[Tables], T]) -> T:
        """In a transaction of its own."""
        self.refuse_if_closed()
        await self._world.io()
        holder = Holder()
        self.database.enter(holder, INCARNATION.get())
        try:
            for key in keys:
                await self.locks.acquire(holder, key)
            self._before()
            result = work(self.tables)
        finally:
            self.locks.release(holder)
        self._world.note("write", *keys)
        await self._after()
        return result

    async def read(self, work: Callable[[Tables], T]) -> T:
        """In a statement of its own."""
        await self._world.io(0.004)
        if self._world.faults.hit("conn_reset"):
            raise StoreUnavailable("store.unavailable", "the connection was reset")
        return work(self.tables)

    async def apply(self, journal: Sequence[Change], holder: Holder) -> None:
        """The commit of a transaction."""
        try:
            await self._world.io()
            self._before()
            self.database.apply(journal)
            self._world.note("commit", *(self._told(change) for change in journal))
        finally:
            self.locks.release(holder)
        await self._after()

    @property
    def tables(self) -> Ledger:
        """What is stored."""
        return self.database.tables

    def _before(self) -> None:
        faults = self._world.faults
        if faults.hit("commit_fail"):
            raise StoreUnavailable("store.unavailable", "the commit failed; nothing was applied")
        if faults.hit("serialization_failure"):
            raise StoreUnavailable("store.contended", "could not serialize access; nothing was applied")

    async def _after(self) -> None:
        if self._world.faults.hit("commit_unknown"):
            self._world.sometimes("commit answer lost")
            await asyncio.sleep(0.5)
            raise StoreUnavailable("store.unavailable", "no answer to the commit; it was applied")
        await self._world.io(0.004)

    @staticmethod
    def _told(change: Change) -> str:
        return f"{type(change).__name__}:{getattr(change, 'wire_id', getattr(change, 'key', getattr(change, 'hop', '')))}"
