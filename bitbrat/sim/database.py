"""The server side of the simulated store: tables, locks, and sessions that die with their process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from bitbrat.adapters.locks import Holder, Key, KeyLocks
from bitbrat.adapters.memory_store import MemoryTables
from bitbrat.adapters.tables import Change, Decision, Ended, Put
from bitbrat.sim.loop import Incarnation
from bitbrat.store import Hop, Outgoing
from bitbrat.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable

Owned = tuple[str, str]
"""The group and the id of a hop."""


class Ledger(MemoryTables):
    """The tables, with a note of what was decided when: the checker's own book, which no fault touches."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.decided: dict[Owned, tuple[int, bool, float]] = {}
        self.ends: Counter[str] = Counter()
        self.puts: Counter[tuple[str, str]] = Counter()

    def commit(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing], *, owner: str, writes: Sequence[Put]) -> bool:
        """See the port."""
        kept = super().commit(hop, state, outbox, owner=owner, writes=writes)
        if kept:
            self._book(hop, state)
        return kept

    def write(self, writes: Sequence[Put]) -> None:
        """See :class:`bitbrat.adapters.memory_documents.MemoryDocuments`."""
        super().write(writes)
        self.puts.update((put.collection, put.key) for put in writes if put.text is not None)

    def decide(self, decision: Decision) -> None:
        """See :class:`bitbrat.adapters.memory_inbox.MemoryInbox`."""
        super().decide(decision)
        self._book(decision.hop, decision.state)

    def end(self, ended: Ended) -> None:
        """See :class:`bitbrat.adapters.memory_documents.MemoryFinals`."""
        before = self.ended(ended.record.id)
        super().end(ended)
        after = self.ended(ended.record.id)
        if after is not None and after.outcome != "pending_reply" and (before is None or before.outcome == "pending_reply"):
            self.ends[ended.record.id] += 1

    def _book(self, hop: Hop, state: Literal["done", "retry"]) -> None:
        self.decided[hop.group, hop.id] = (hop.attempt, state == "done", self._world.monotonic())

    def unsent_now(self) -> list[Outgoing]:
        """Everything in the outbox, due or not."""
        return [row.message for row in (*self._fresh.values(), *self._held.values())]


class Unlocked(KeyLocks):
    """Locks that lock nothing: a planted bug."""

    async def acquire(self, holder: Holder, key: Key) -> None:
        """At once."""


class Database:
    """What all processes share. Survives every kill; a dead client's session ends, and its locks are free."""

    def __init__(self, world: World, *, tables: type[Ledger] = Ledger, patience: float = 10.0, locked: bool = True) -> None:
        self.tables = tables(world)
        self.locks = KeyLocks(patience) if locked else Unlocked(patience)
        self._sessions: dict[Incarnation, list[Holder]] = {}

    def enter(self, holder: Holder, incarnation: Incarnation | None) -> None:
        """``holder`` may take locks, for as long as its process lives."""
        if incarnation is not None:
            self._sessions.setdefault(incarnation, []).append(holder)

    def left(self, incarnation: Incarnation) -> None:
        """A process is gone: whatever it had locked is free."""
        for holder in self._sessions.pop(incarnation, []):
            self.locks.release(holder)

    def apply(self, journal: Sequence[Change]) -> None:
        """A commit."""
        self.tables.apply(journal)
