"""Publishing to the SQLite bus: many publishes, one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from bitbrat.adapters.delivering import Stored
from bitbrat.adapters.sqlite_file import SqliteFile
from bitbrat.adapters.sqlite_gather import Gather
from bitbrat.adapters.sqlite_ids import RecentIds
from bitbrat.adapters.sqlite_shelf import header_lines
from bitbrat.adapters.sqlite_topic import SqliteTopic
from bitbrat.bus import WIRE_ID, Message, Receipt
from bitbrat.errors import BusFull
from bitbrat.world import World

Items = Sequence[tuple[SqliteTopic, Message]]
_Row = tuple[int, str, str, bytes, float]


class Limits(NamedTuple):
    """Seconds, messages, bytes: see :class:`bitbrat.adapters.sqlite_bus.SqliteBus`."""

    dedupe_window: float
    ingress_capacity: int
    ingress_bytes: int


class _Answer(NamedTuple):
    """What became of one call: its receipts, or why not; and what it stored."""

    receipts: list[Receipt]
    full: BusFull | None
    stored: list[tuple[SqliteTopic, Stored]]


class Publisher:
    """Stores messages and offers them to the groups once they are on the disk."""

    def __init__(self, file: SqliteFile, world: World, limits: Limits) -> None:
        self._file, self._world, self._limits = file, world, limits
        self._gather: Gather[Items, _Answer] = Gather(file, apply=self._apply, after=self._offer, failed=self._failed)

    async def publish(self, items: Items) -> list[Receipt]:
        """Return once all are stored. Raises ``BusFull``: those before are stored."""
        answer = await self._gather.add(items)
        if answer.full is not None:
            raise answer.full
        return answer.receipts

    def _apply(self, connection: sqlite3.Connection, calls: Sequence[Items]) -> Sequence[_Answer]:
        now = self._world.now().timestamp()
        ids = RecentIds(connection, window=self._limits.dedupe_window, now=now)
        by_topic: dict[SqliteTopic, list[str]] = {}
        for items in calls:
            for topic, message in items:
                by_topic.setdefault(topic, []).append(message.id)
        new = {topic: ids.add(topic.number, wire_ids) for topic, wire_ids in by_topic.items()}
        rows: list[_Row] = []
        answers = [self._store(items, new, rows, now) for items in calls]
        for topic, refused in new.items():
            for wire_id in refused:
                ids.forget(topic.number, wire_id)
        connection.executemany("INSERT INTO bus_messages VALUES (?, ?, ?, ?, ?)", rows)
        return answers

    def _store(self, items: Items, new: dict[SqliteTopic, set[str]], rows: list[_Row], now: float) -> _Answer:
        receipts: list[Receipt] = []
        stored: list[tuple[SqliteTopic, Stored]] = []
        for topic, message in items:
            wire_id, data = message.id, message.data
            if wire_id not in new[topic]:
                receipts.append(_DUPLICATE)
                continue
            if topic.kind == "ingress" and not self._counted(topic, len(data)):
                full = BusFull("bus.full", f"topic {topic.name} is full: {topic.count} messages, {topic.size} bytes")
                return _Answer(receipts, full, stored)
            new[topic].remove(wire_id)  # the next one with this id is a duplicate; what is left at the end was refused
            topic.newest += 1
            rows.append((topic.newest, wire_id, header_lines(message.headers), data, now))
            stored.append((topic, Stored(topic.newest, data, {**message.headers, WIRE_ID: wire_id})))
            receipts.append(_STORED)
        return _Answer(receipts, None, stored)

    def _counted(self, topic: SqliteTopic, size: int) -> bool:
        """Count one more message on an ingress topic, if there is room."""
        if topic.count >= self._limits.ingress_capacity or topic.size + size > self._limits.ingress_bytes:
            return False
        topic.count += 1
        topic.size += size
        return True

    def _offer(self, _calls: Sequence[Items], answers: Sequence[_Answer]) -> None:
        by_topic: dict[SqliteTopic, list[Stored]] = {}
        for answer in answers:
            for topic, stored in answer.stored:
                by_topic.setdefault(topic, []).append(stored)
        for topic, messages in by_topic.items():
            topic.last = messages[-1].seq
            for queue in topic.queues.values():
                queue.offer(messages)

    def _failed(self, calls: Sequence[Items]) -> None:
        """Nothing of it is stored: count again from what is on the disk."""
        topics = {topic for items in calls for topic, _ in items}
        for topic in topics:
            self._file.recover(topic.load)


_STORED = Receipt()
_DUPLICATE = Receipt(duplicate=True)
