"""The stores that the contract suite runs over. An adapter's own test is its declaration here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.store import Claim, FinalRecord, Hop, Outgoing, Store, StoreCapabilities
from bitbrat.world import RealWorld, World
from tests import postgres_server
from tests.contract import on_postgres
from tests.contract.simulated import sim_store

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LEASE = 30.0
MAX_STARTS = 3


class StillWorld(RealWorld):
    """A world whose clocks move only when they are told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        """Noon, and what has passed."""
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """What has passed, from an odd beginning."""
        return 1000.0 + self.passed


@dataclass(frozen=True)
class Declaration:
    """How a store is made, and what it says it can do."""

    capabilities: StoreCapabilities
    make: Callable[[Path, World], Store]
    tell: Callable[[Path, float], Awaitable[None]] | None = None
    """How a store with a clock of its own learns how much time has passed."""
    here: Callable[[], bool] = lambda: True
    """Whether what it needs is there. ``make`` skips the test, or fails it, where it is not."""


STORES = (
    Declaration(StoreCapabilities("memory", durable=False, shared=False), lambda _path, world: MemoryStore(world)),
    Declaration(
        StoreCapabilities("sqlite", durable=True, shared=False), lambda path, world: SqliteStore(path / "store.db", world, patience=5.0)
    ),
    Declaration(StoreCapabilities("sim", durable=True, shared=True), lambda path, world: sim_store(str(path), world)),
    Declaration(
        StoreCapabilities("postgresql", durable=True, shared=True),
        lambda path, _world: on_postgres.pg_store(path, START.isoformat()),
        tell=on_postgres.pass_time,
        here=postgres_server.here,
    ),
)


class Rig:
    """A store under test, its world, and the short words of the tests."""

    def __init__(self, declaration: Declaration, path: Path) -> None:
        self.declaration = declaration
        self.path = path
        self.world = StillWorld()
        self.store = declaration.make(path, self.world)

    async def let_pass(self, seconds: float) -> None:
        """Let time pass on the store's clock."""
        self.world.passed += seconds
        if self.declaration.tell:
            await self.declaration.tell(self.path, self.world.passed)

    async def restart(self) -> None:
        """The process ends and begins again, with the clock of another boot."""
        await self.store.close()
        self.store = self.declaration.make(self.path, self.world)
        await self.store.open()

    async def claim(self, hop: Hop, owner: str = "me", *, intent: bool = False) -> Claim:
        """A claim as the hop makes it."""
        return await self.store.claim(hop, owner=owner, lease=LEASE, max_starts=MAX_STARTS, intent=intent)

    async def unsent(self, *, grace: float = 0.0, limit: int = 100) -> list[str]:
        """The wire ids that are to be published now."""
        return [row.wire_id for row in await self.store.unsent(grace=grace, limit=limit)]

    def at(self, seconds: float) -> datetime:
        """The moment that many seconds from now."""
        return self.world.now() + timedelta(seconds=seconds)


def message(wire_id: str, not_before: datetime | None = None, hop: Hop | None = None) -> Outgoing:
    """An outbox row with bytes that are not text, and a header."""
    return Outgoing(wire_id, "internal.next.v1", b"\x00\xff" + wire_id.encode(), {"bb-type": "x"}, not_before, hop)


def final(envelope_id: str, outcome: str = "completed", *, at: datetime = START, **more: object) -> FinalRecord:
    """A final record."""
    return FinalRecord(envelope_id, outcome, at, b"\x00bytes", **more)  # type: ignore[arg-type]
