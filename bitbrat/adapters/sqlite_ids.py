"""The wire ids of late, on the disk, in two generations: when the older one has left the window, it is emptied at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

_KNOWN = tuple(
    f"SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM bus_ids_{n} WHERE topic = ? AND id = value AND at > ?)"  # noqa: S608  n is 0 or 1
    for n in (0, 1)
)
_ADD = tuple(
    f"INSERT INTO bus_ids_{n} SELECT ?, value, ? FROM json_each(?) WHERE true "  # noqa: S608
    "ON CONFLICT DO UPDATE SET at = excluded.at WHERE at <= ? RETURNING id"
    for n in (0, 1)
)
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

    def add(self, topic: int, wire_ids: Sequence[str]) -> set[str]:
        """Remember ``wire_ids``, and return those that are new. Two statements, however many there are."""
        known = self._values(_KNOWN[1 - self._turn], (json.dumps(wire_ids), topic, self._horizon))
        others = json.dumps([wire_id for wire_id in wire_ids if wire_id not in known] if known else wire_ids)
        return self._values(_ADD[self._turn], (topic, self._now, others, self._horizon))

    def forget(self, topic: int, wire_id: str) -> None:
        """What was added just now was not stored after all."""
        self._execute(_FORGET[self._turn], (topic, wire_id))

    def _values(self, sql: str, values: Iterable[object]) -> set[str]:
        return {value for (value,) in self._execute(sql, tuple(values))}
