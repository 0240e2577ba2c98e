"""The wire ids of late, on the disk, in two generations: when the older one has left the window, it is emptied at once."""

from __future__ import annotations

import sqlite3

_NEW = tuple(
    f"INSERT INTO bus_ids_{n} VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at WHERE at <= ?"  # noqa: S608  n is 0 or 1
    for n in (0, 1)
)
_OLD = tuple(f"SELECT 1 FROM bus_ids_{n} WHERE topic = ? AND id = ? AND at > ?" for n in (0, 1))  # noqa: S608
_EMPTY = ("DELETE FROM bus_ids_0", "DELETE FROM bus_ids_1")
_FORGET = tuple(f"DELETE FROM bus_ids_{n} WHERE topic = ? AND id = ?" for n in (0, 1))  # noqa: S608


class RecentIds:
    """The ids of the last ``window`` seconds, for the length of one transaction that begins at ``now`` (Unix time)."""

    def __init__(self, connection: sqlite3.Connection, *, window: float, now: float) -> None:
        self._execute = connection.execute
        self._now, self._horizon = now, now - window
        self._turn, since = self._execute("SELECT turn, since FROM bus_ids_turn").fetchone()
        if now - since >= window:
            self._turn = 1 - self._turn
            self._execute(_EMPTY[self._turn])
            self._execute("UPDATE bus_ids_turn SET turn = ?, since = ?", (self._turn, now))

    def add(self, topic: int, wire_id: str) -> bool:
        """Remember ``wire_id``. False: it is known."""
        if self._execute(_OLD[1 - self._turn], (topic, wire_id, self._horizon)).fetchone():
            return False
        return self._execute(_NEW[self._turn], (topic, wire_id, self._now, self._horizon)).rowcount == 1

    def forget(self, topic: int, wire_id: str) -> None:
        """What was added just now was not stored after all."""
        self._execute(_FORGET[self._turn], (topic, wire_id))
