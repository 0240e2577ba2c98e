"""The outbox in SQL: what is decided and not known to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bitbrat.adapters.sql_schema import Part
from bitbrat.adapters.values import ascii_json, micros, moment_of, to_json
from bitbrat.store import Hop, Outgoing

_KEEP = (
    "INSERT INTO outbox (wire_id, topic, data, headers, held, ready, grp, hop_id, attempt)"
    " VALUES (:wire_id, :topic, :data, :headers, :held, :ready, :grp, :hop_id, :attempt) ON CONFLICT (wire_id) DO NOTHING"
)
_COLUMNS = "SELECT wire_id, topic, data, headers, held, ready, grp, hop_id, attempt FROM outbox"
_OF_HOP = f"{_COLUMNS} WHERE grp = :grp AND hop_id = :hop_id ORDER BY ready, wire_id"
_READY = f"{_COLUMNS} WHERE held = :held AND ready <= :ready ORDER BY ready, wire_id LIMIT :count"
_NEXT_DUE = "SELECT min(ready) FROM outbox WHERE held = 1"
_SENT = "DELETE FROM outbox WHERE wire_id = :wire_id"


class SqlOutbox(Part):
    """Rows are ordered by the time at which they may be sent."""

    def enqueue(self, messages: Iterable[Outgoing]) -> None:
        """See the port."""
        now = self._clock.now()
        for message in messages:
            self.keep(message, now, message.hop)

    def keep(self, message: Outgoing, now: int, hop: Hop | None) -> None:
        """Insert a row, unless its wire id waits already."""
        held = message.not_before
        parameters = {
            "wire_id": message.wire_id,
            "topic": message.topic,
            "data": message.data,
            "headers": to_json(dict(message.headers)) if message.headers else "{}",
            "held": 0 if held is None else 1,
            "ready": now if held is None else micros(held),
            "grp": hop.group if hop else "",
            "hop_id": hop.id if hop else "",
            "attempt": hop.attempt if hop else 0,
        }
        self._db.changed(_KEEP, parameters)

    def unsent_of(self, hop: Hop) -> tuple[Outgoing, ...]:
        """What is still unsent of a hop, in the order in which it is to be sent."""
        return tuple(self._read(self._db.rows(_OF_HOP, {"grp": hop.group, "hop_id": hop.id})))

    def unsent(self, *, grace: float, limit: int) -> list[Outgoing]:
        """See the port."""
        now = self._clock.now()
        fresh = self._db.rows(_READY, {"held": 0, "ready": now - round(grace * 1_000_000), "count": limit})
        due = self._db.rows(_READY, {"held": 1, "ready": now, "count": limit})
        return self._read(sorted([*fresh, *due], key=_order)[:limit])

    def next_due(self) -> float | None:
        """See the port."""
        due = self._db.rows(_NEXT_DUE, {})[0][0]
        return None if due is None else max(0.0, (due - self._clock.now()) / 1_000_000)

    def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """See the port."""
        for wire_id in wire_ids:
            self._db.changed(_SENT, {"wire_id": wire_id})

    def _read(self, rows: Iterable[Sequence[Any]]) -> list[Outgoing]:
        read = []
        for row in rows:
            try:
                read.append(_outgoing(row))
            except (TypeError, ValueError, OverflowError, RecursionError) as exc:
                self.bad.append(("outbox", {"wire_id": row[0]}, repr(exc)))
        return read


def _order(row: Sequence[Any]) -> tuple[int, str]:
    return row[5], row[0]


def _outgoing(row: Sequence[Any]) -> Outgoing:
    wire_id, topic, data, headers, held, ready, group, hop_id, attempt = row
    names = ascii_json(headers)
    if not isinstance(data, bytes) or not isinstance(names, dict) or not all(isinstance(one, str) for one in names.values()):
        raise ValueError("not a message")
    hop = Hop(group, hop_id, int(attempt)) if hop_id else None
    return Outgoing(wire_id, topic, data, names, moment_of(ready) if held else None, hop)
