"""One topic of the SQLite bus: where its messages lie, how full it is, its groups."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from bitbrat.adapters.group_queue import GroupQueue
from bitbrat.adapters.sqlite_shelf import SqliteShelf
from bitbrat.adapters.sqlite_tables import SHIFT
from bitbrat.topics import TopicClass

TRIM_EVERY = 256
TRIM_MOST = 2_000
"""Messages: so many must be too many before any is removed; so many are removed at a time."""


class SqliteTopic:
    """``first`` is the place before the oldest message, ``last`` the newest that is committed, ``newest`` the newest at all.

    ``old`` was the newest when the process began; ``readers`` are the groups that a log topic had then.
    ``count`` and ``size`` (messages, bytes) are kept for an ingress topic only: no other is ever full.
    """

    def __init__(self, connection: sqlite3.Connection, number: int, name: str, kind: TopicClass) -> None:
        self.number, self.name, self.kind = number, name, kind
        self.queues: dict[str, GroupQueue] = {}
        self.shelves: dict[str, SqliteShelf] = {}
        self.count = self.size = 0
        self.load(connection)
        self.old = self.last
        groups = connection.execute("SELECT name FROM bus_groups WHERE topic = ?", (number,)).fetchall()
        self.readers = [group for (group,) in groups] if kind == "log" else []

    def load(self, connection: sqlite3.Connection) -> None:
        """Look at what is on the disk."""
        base = self.number << SHIFT
        bounds = (base, base + (1 << SHIFT))
        newest, oldest = (
            connection.execute(f"SELECT {which}(seq) FROM bus_messages WHERE seq > ? AND seq < ?", bounds).fetchone()[0]  # noqa: S608
            for which in ("max", "min")
        )
        seen = connection.execute("SELECT max(max(position, handed)) FROM bus_groups WHERE topic = ?", (self.number,)).fetchone()[0]
        self.last = self.newest = max(newest or base, seen or base)
        self.first = oldest - 1 if oldest else self.last
        if self.kind == "ingress":
            self.count, self.size = connection.execute(
                "SELECT count(*), coalesce(sum(length(data)), 0) FROM bus_messages WHERE seq > ? AND seq < ?", bounds
            ).fetchone()

    def trim(self, connection: sqlite3.Connection, *, keep: int, before: float | None) -> None:
        """Remove the oldest messages that every group has settled: all but ``keep``, and those older than ``before`` (Unix time)."""
        floors = [shelf.position.floor for shelf in self.shelves.values() if shelf.position is not None]
        settled = min(floors, default=self.first)
        upto = min(settled, self.last - keep)
        if before is not None:
            row = connection.execute(
                "SELECT seq FROM bus_messages WHERE seq > ? AND seq <= ? AND at >= ? ORDER BY seq LIMIT 1", (self.first, settled, before)
            ).fetchone()
            upto = max(upto, row[0] - 1 if row else settled)
        upto = min(upto, self.first + TRIM_MOST)
        if upto - self.first >= (1 if before is not None else TRIM_EVERY):
            connection.execute("DELETE FROM bus_messages WHERE seq > ? AND seq <= ?", (self.first, upto))
            self.first = upto


def read_topics(connection: sqlite3.Connection) -> Mapping[str, SqliteTopic]:
    """Every topic in the file."""
    rows = connection.execute("SELECT number, name, kind FROM bus_topics").fetchall()
    return {name: SqliteTopic(connection, number, name, kind) for number, name, kind in rows}
