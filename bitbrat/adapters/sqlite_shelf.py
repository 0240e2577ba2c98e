"""One group's view of a topic in an SQLite file, and the notes that outlive the process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from bitbrat.adapters.delivering import Handed, Stored
from bitbrat.adapters.position import Position
from bitbrat.adapters.sqlite_file import SqliteFile
from bitbrat.bus import WIRE_ID
from bitbrat.world import World

MARK_EVERY = 0.2
"""Seconds after which it is written down how far a group was handed messages."""

MARK_AHEAD = 64
"""Messages that are marked as handed out with one write, where the write has to come first."""

_READ = "SELECT seq, id, headers, data FROM bus_messages WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_ONE = "SELECT seq, id, headers, data FROM bus_messages WHERE seq = ?"
_NOTE = "INSERT OR REPLACE INTO bus_notes VALUES (?, ?, ?, ?, ?, ?)"


class Settlement(NamedTuple):
    """What became of a delivery: done, or put back until ``due`` (Unix time)."""

    shelf: SqliteShelf
    delivery: Handed
    done: bool
    due: float = 0.0


class Settle(Protocol):
    """How a settlement gets to the disk."""

    def __call__(self, settlement: Settlement) -> Awaitable[None]:
        """Return once it is there."""
        ...


class SqliteShelf:
    """See :class:`bitbrat.adapters.delivering.Shelf`. ``position`` is None where messages are deleted when they are settled.

    ``old``: the newest message that was there when the process began. Those may be what killed the last one, so that
    they are handed out is written down before; for all others a moment later is soon enough.
    """

    def __init__(self, file: SqliteFile, world: World, settle: Settle, *, topic: int, group: str, old: int) -> None:
        self.topic, self.group = topic, group
        self.position: Position | None = None
        self._file, self._world, self._settle = file, world, settle
        self._old = old
        self._handed = self._marked = self._handed_before = 0
        self._notes: dict[int, tuple[float, int]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def load(self, connection: sqlite3.Connection, *, log: bool, first: int) -> None:
        """Read how far the group has come, or begin with everything that is there: behind ``first``."""
        key = (self.topic, self.group)
        row = connection.execute("SELECT position, handed FROM bus_groups WHERE topic = ? AND name = ?", key).fetchone()
        position, self._handed = row or (first, first)
        self._marked = self._handed_before = self._handed
        notes = connection.execute("SELECT seq, done, due, deliveries FROM bus_notes WHERE topic = ? AND name = ?", key).fetchall()
        self._notes = {seq: (due, deliveries) for seq, done, due, deliveries in notes if not done}
        if log:
            self.position = Position(position, (seq for seq, done, _, _ in notes if done))

    def after(self, seq: int, last: int, limit: int) -> tuple[Sequence[Stored], int]:
        """See the port."""
        rows = self._file.read_now(lambda connection: connection.execute(_READ, (seq, last, limit)).fetchall())
        reached = rows[-1][0] if len(rows) == limit else last
        settled = self.position.above if self.position else ()
        return [self._stored(*row) for row in rows if row[0] not in settled], reached

    def get(self, seq: int) -> Stored | None:
        """See the port."""
        row = self._file.read_now(lambda connection: connection.execute(_ONE, (seq,)).fetchone())
        return self._stored(*row) if row else None

    def handing(self, delivery: Handed) -> Awaitable[object] | None:
        """See the port."""
        seq = delivery.seq
        self._handed = max(self._handed, seq)
        if seq > self._old:
            self._mark_soon()
            return None
        if delivery.deliveries > 1:
            note = (self.topic, self.group, seq, 0, 0.0, delivery.deliveries)
            return self._file.run(_statement(_NOTE, note))
        if seq <= self._marked:
            return None
        self._marked = min(seq + MARK_AHEAD - 1, self._old)
        return self._file.run(self._mark_statement(self._marked))

    def done(self, delivery: Handed) -> Awaitable[None]:
        """See the port."""
        return self._settle(Settlement(self, delivery, done=True))

    def back(self, delivery: Handed, delay: float) -> Awaitable[None]:
        """See the port."""
        return self._settle(Settlement(self, delivery, done=False, due=self._world.now().timestamp() + delay))

    def write(self, connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> None:
        """Write down what became of these deliveries of this group, inside a transaction."""
        key = (self.topic, self.group)
        done = [item.delivery.seq for item in settlements if item.done]
        back = [(*key, item.delivery.seq, 0, item.due, item.delivery.deliveries) for item in settlements if not item.done]
        connection.executemany(_NOTE, back)
        if self.position is None:
            connection.executemany("DELETE FROM bus_messages WHERE seq BETWEEN ? AND ?", _runs(done))
            noted = [(*key, item.delivery.seq) for item in settlements if item.done and item.delivery.deliveries > 1]
            connection.executemany("DELETE FROM bus_notes WHERE topic = ? AND name = ? AND seq = ?", noted)
        elif done:
            self._move(connection, self.position, done)

    def reload(self, connection: sqlite3.Connection) -> None:
        """Back to what is on the disk, after a transaction failed."""
        if self.position is not None:
            self.load(connection, log=True, first=self.position.floor)

    def close(self) -> None:
        """Write down exactly how far the group was handed messages."""
        if self._timer is not None:
            self._timer.cancel()
        if self._marked != self._handed:
            self._mark()

    def _move(self, connection: sqlite3.Connection, position: Position, done: Sequence[int]) -> None:
        before = position.floor
        for seq in done:
            position.settle(seq)
        key = (self.topic, self.group)
        if position.floor > before:
            connection.execute("UPDATE bus_groups SET position = ? WHERE topic = ? AND name = ?", (position.floor, *key))
            connection.execute("DELETE FROM bus_notes WHERE topic = ? AND name = ? AND seq <= ?", (*key, position.floor))
        connection.executemany(_NOTE, [(*key, seq, 1, 0.0, 0) for seq in done if seq > position.floor])

    def _stored(self, seq: int, wire_id: str, headers: str, data: bytes) -> Stored:
        due, prior = self._notes.pop(seq, (0.0, int(seq <= self._handed_before)))
        hold = due - self._world.now().timestamp() if due else 0.0
        return Stored(seq, data, {**_from_lines(headers), WIRE_ID: wire_id}, prior, hold)

    def _mark_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MARK_EVERY, self._mark)

    def _mark(self) -> None:
        self._timer = None
        self._marked = self._handed
        self._file.post(self._mark_statement(self._handed))

    def _mark_statement(self, seq: int) -> Callable[[sqlite3.Connection], None]:
        return _statement("UPDATE bus_groups SET handed = ? WHERE topic = ? AND name = ?", (seq, self.topic, self.group))


def _statement(sql: str, values: tuple[Any, ...]) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute(sql, values)

    return work


def _runs(places: Iterable[int]) -> list[list[int]]:
    """Places as first and last of each run without a gap: most of what is settled together lies together."""
    runs: list[list[int]] = []
    for place in sorted(places):
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return runs


def header_lines(headers: Mapping[str, str]) -> str:
    """Headers as they lie in the file: ``name: value``, one a line. No value has a line break: they are printable."""
    return "\n".join([f"{name}: {value}" for name, value in headers.items()])


def _from_lines(text: str) -> dict[str, str]:
    pairs = (line.partition(": ") for line in text.split("\n") if line)
    return {name: value for name, _, value in pairs}
