"""Inbox and outbox in dictionaries."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from bitbrat.adapters.inbox import DECIDED, HELD, Row, counts_start, held_state, judge, released, running
from bitbrat.adapters.tables import Decision
from bitbrat.adapters.values import micros
from bitbrat.store import Claim, Hop, Outgoing
from bitbrat.world import World

_Key = tuple[str, str]


class _Waiting(NamedTuple):
    """An outbox row: ``ready`` orders the rows, in microseconds since 1970."""

    ready: int
    message: Outgoing


class MemoryInbox:
    """Who has which hop, and what is decided but not known to be sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows: dict[_Key, Row] = {}
        self._fresh: dict[str, _Waiting] = {}
        self._held: dict[str, _Waiting] = {}
        self._due: list[tuple[int, str]] = []
        self._of_hop: dict[_Key, list[str]] = {}

    def lease_now(self) -> float:
        """Seconds on the clock of the leases."""
        return self._world.monotonic()

    def _now(self) -> int:
        return micros(self._world.now())

    # Inbox

    def row(self, hop: Hop) -> Row | None:
        """The row as it is."""
        return self._rows.get((hop.group, hop.id))

    def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim:
        """See the port."""
        key = (hop.group, hop.id)
        row = self._rows.get(key)
        now = self._world.monotonic()
        answer = judge(row, hop, now=now, max_starts=max_starts)
        if answer in ("done", "stale"):
            return Claim(answer, row.starts if row else 0, outbox=self.unsent_of(hop), digest=row.digest if row else "")
        if answer == "running" and row:
            return running(row, now)
        starts = row.starts + 1 if row else 1
        self._rows[key] = Row(held_state(answer, intent=intent), hop.attempt, starts, owner, now + lease, digest=hop.digest)
        return Claim(answer, starts)

    def count_start(self, hop: Hop) -> int:
        """See the port."""
        row = self.row(hop)
        if row is None:
            row = self._rows[hop.group, hop.id] = Row("retry", hop.attempt, at=self._now())
        if counts_start(row, hop):
            row.starts += 1
        return row.starts

    def heartbeat(self, hop: Hop, *, owner: str, lease: float) -> bool:
        """See the port."""
        row = self._owned(hop, owner)
        if row:
            row.lease_until = self._world.monotonic() + lease
        return row is not None

    def release(self, hop: Hop, *, owner: str) -> None:
        """See the port."""
        row = self._owned(hop, owner)
        if row:
            left = released(row)
            if left:
                left.at = self._now()
                self._rows[hop.group, hop.id] = left
            else:
                del self._rows[hop.group, hop.id]

    def settle(self, hop: Hop, state: Literal["done", "retry"], messages: Sequence[Outgoing], *, owner: str) -> bool:
        """The inbox's and the outbox's part of a commit."""
        row = self._owned(hop, owner)
        if row is None:
            return False
        now = self._now()
        row.state, row.attempt, row.owner, row.at = state, hop.attempt, "", now
        for message in messages:
            self._keep(message, now, hop)
        return True

    def decide(self, decision: Decision) -> None:
        """Write what a transaction decided."""
        hop = decision.hop
        row = self._rows.setdefault((hop.group, hop.id), Row("retry", 0))
        row.state, row.attempt, row.owner, row.at, row.digest = decision.state, hop.attempt, "", self._now(), hop.digest

    def purge(self, *, older_than: timedelta) -> int:
        """See the port."""
        limit = micros(self._world.now() - older_than)
        old = [key for key, row in self._rows.items() if row.state in DECIDED and row.at < limit and key not in self._of_hop]
        for key in old:
            del self._rows[key]
        return len(old)

    def _owned(self, hop: Hop, owner: str) -> Row | None:
        row = self._rows.get((hop.group, hop.id))
        return row if row and row.owner == owner and row.state in HELD else None

    # Outbox

    def enqueue(self, messages: Iterable[Outgoing]) -> None:
        """See the port."""
        now = self._now()
        for message in tuple(messages):
            self._keep(message, now, message.hop)

    def _keep(self, message: Outgoing, now: int, hop: Hop | None) -> None:
        wire_id = message.wire_id
        if wire_id in self._fresh or wire_id in self._held:
            return
        if hop and not message.hop:
            message = Outgoing(wire_id, message.topic, message.data, message.headers, message.not_before, hop)
        if message.hop:
            self._of_hop.setdefault((message.hop.group, message.hop.id), []).append(wire_id)
        if message.not_before is None:
            self._fresh[wire_id] = _Waiting(now, message)
        else:
            due = micros(message.not_before)
            self._held[wire_id] = _Waiting(due, message)
            heapq.heappush(self._due, (due, wire_id))

    def unsent_of(self, hop: Hop) -> tuple[Outgoing, ...]:
        """What is still unsent of a hop, in the order in which it is to be sent."""
        ids = self._of_hop.get((hop.group, hop.id), ())
        rows = [self._fresh.get(wire_id) or self._held[wire_id] for wire_id in ids]
        return tuple(row.message for row in sorted(rows, key=_order))

    def unsent(self, *, grace: float, limit: int) -> list[Outgoing]:
        """See the port."""
        now = self._now()
        found = self._left_since(now - round(grace * 1_000_000), limit)
        if self.next_due() == 0:
            found += [row for row in self._held.values() if row.ready <= now]
        return [row.message for row in heapq.nsmallest(limit, found, key=_order)]

    def _left_since(self, oldest: int, limit: int) -> list[_Waiting]:
        """At least ``limit`` fresh rows, if there are, from the oldest on: they stand in the order in which they came."""
        found: list[_Waiting] = []
        for row in self._fresh.values():
            if row.ready > oldest or (len(found) >= limit and row.ready > found[-1].ready):
                break
            found.append(row)
        return found

    def next_due(self) -> float | None:
        """See the port."""
        while self._due:
            due, wire_id = self._due[0]
            row = self._held.get(wire_id)
            if row and row.ready == due:
                return max(0.0, (due - self._now()) / 1_000_000)
            heapq.heappop(self._due)
        return None

    def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """See the port."""
        for wire_id in wire_ids:
            row = self._fresh.pop(wire_id, None) or self._held.pop(wire_id, None)
            if row and row.message.hop:
                key = (row.message.hop.group, row.message.hop.id)
                ids = self._of_hop[key]
                ids.remove(wire_id)
                if not ids:
                    del self._of_hop[key]


def _order(row: _Waiting) -> tuple[int, str]:
    return row.ready, row.message.wire_id
