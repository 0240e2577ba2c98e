"""Settling on the SQLite bus: many acks and naks, one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Mapping, Sequence

from bitbrat.adapters.sqlite_file import SqliteFile
from bitbrat.adapters.sqlite_gather import Gather
from bitbrat.adapters.sqlite_shelf import Settlement, SqliteShelf
from bitbrat.adapters.sqlite_topic import SqliteTopic
from bitbrat.world import World

AGE_EVERY = 60.0
"""Seconds between two looks for messages of a log topic that are too old to keep."""


class Settler:
    """Writes down what became of deliveries, and trims log topics: to ``keep`` messages, and ``keep_for`` seconds."""

    def __init__(self, file: SqliteFile, world: World, topics: Mapping[str, SqliteTopic], *, keep: int, keep_for: float) -> None:
        self._file, self._world = file, world
        self._topics = topics
        self._keep, self._keep_for = keep, keep_for
        self._aged = world.monotonic()
        self._gather: Gather[Settlement, None] = Gather(file, apply=self._apply, after=self._uncount, failed=self._failed)

    def settle(self, settlement: Settlement) -> Awaitable[None]:
        """Done once it is on the disk."""
        return self._gather.add(settlement)

    def _apply(self, connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> Sequence[None]:
        for shelf, some in _by_shelf(settlements).items():
            shelf.write(connection, some)
        self._trim(connection)
        return [None] * len(settlements)

    def _trim(self, connection: sqlite3.Connection) -> None:
        before = None
        if self._world.monotonic() - self._aged > AGE_EVERY:
            self._aged = self._world.monotonic()
            before = self._world.now().timestamp() - self._keep_for
        for topic in self._topics.values():
            if topic.kind == "log":
                topic.trim(connection, keep=self._keep, before=before)

    def _uncount(self, settlements: Sequence[Settlement], _results: Sequence[None]) -> None:
        numbers = {topic.number: topic for topic in self._topics.values() if topic.kind == "ingress"}
        for shelf, delivery, done, _ in settlements:
            topic = numbers.get(shelf.topic)
            if done and topic is not None:
                topic.count -= 1
                topic.size -= len(delivery.data)

    def _failed(self, settlements: Sequence[Settlement]) -> None:
        """What should have been done comes back; it may be settled then."""
        for shelf in _by_shelf(settlements):
            self._file.recover(shelf.reload)
        for settlement in settlements:
            if settlement.done:
                settlement.delivery.back()


def _by_shelf(settlements: Sequence[Settlement]) -> dict[SqliteShelf, list[Settlement]]:
    shelves: dict[SqliteShelf, list[Settlement]] = {}
    for settlement in settlements:
        shelves.setdefault(settlement.shelf, []).append(settlement)
    return shelves
