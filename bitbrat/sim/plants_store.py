"""Planted bugs around the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from bitbrat.adapters.inbox import DECIDED, Row
from bitbrat.adapters.tables import Ended, Put
from bitbrat.bus import Bus, Message
from bitbrat.sim.database import Ledger
from bitbrat.sim.store import SimStore, SimTransaction
from bitbrat.store import Claim, Hop, Outgoing

REMEMBERED = 0.5


class NoInbox(Ledger):
    """Nobody asks whether a hop was decided before."""

    def row(self, hop: Hop) -> Row | None:  # noqa: ARG002 - the port's signature
        """Never there."""
        return None

    def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim:
        """Always new."""
        self._rows.pop((hop.group, hop.id), None)
        return super().claim(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent)


class ShortMemory(Ledger):
    """Decided hops are forgotten sooner than the bus can bring them back."""

    def row(self, hop: Hop) -> Row | None:
        """Gone when it is old."""
        self._forget(hop)
        return super().row(hop)

    def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim:
        """New when it is old."""
        self._forget(hop)
        return super().claim(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent)

    def _forget(self, hop: Hop) -> None:
        row = self._rows.get((hop.group, hop.id))
        if row and row.state in DECIDED and (self._now() - row.at) / 1_000_000 > REMEMBERED:
            del self._rows[hop.group, hop.id]


class ForgetsAttempts(Ledger):
    """The inbox row knows no attempt: a stale copy of a retried one runs again."""

    def row(self, hop: Hop) -> Row | None:
        """As if it were about this attempt."""
        row = super().row(hop)
        return row if row is None or row.state == "done" else replace(row, attempt=min(row.attempt, hop.attempt))

    def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim:
        """The same."""
        row = self._rows.get((hop.group, hop.id))
        if row is not None and row.state != "done":
            row.attempt = min(row.attempt, hop.attempt)
        return super().claim(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent)


class NoOwner(Ledger):
    """Whoever finishes may commit, also when another worker has taken over."""

    def commit(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing], *, owner: str, writes: Sequence[Put]) -> bool:
        """Always."""
        row = self._rows.setdefault((hop.group, hop.id), Row("running", hop.attempt))
        row.state, row.owner = "running", owner
        return super().commit(hop, state, outbox, owner=owner, writes=writes)


class Appends(Ledger):
    """A final record is appended, whatever is there."""

    def end(self, ended: Ended) -> None:
        """One more."""
        self._finals.pop(ended.record.id, None)
        super().end(ended)


class PublishesInside(SimStore):
    """Publishes before the commit."""

    bus: Bus

    def transaction(self) -> SimTransaction:
        """As it should not be."""
        return _Early(self)


class _Early(SimTransaction):
    def __init__(self, home: PublishesInside) -> None:
        super().__init__(home)
        self._bus = home.bus

    async def finish(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing]) -> None:
        rows = list(outbox)
        for row in rows:
            if row.not_before is None:
                await self._bus.publish(row.topic, Message(row.wire_id, row.data, row.headers))
        await super().finish(hop, state, rows)
