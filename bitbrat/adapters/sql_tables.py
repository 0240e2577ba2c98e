"""All tables of a store that speaks SQL, on one connection. SQLite and PostgreSQL differ only in that connection.

The statements are plain text with named parameters: through SQLAlchemy each of them took 4 to 5 times as long on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from bitbrat.adapters.sql_documents import SqlDocuments
from bitbrat.adapters.sql_finals import SqlFinals
from bitbrat.adapters.sql_inbox import SqlInbox
from bitbrat.adapters.tables import Change, Decision, Ended, Put
from bitbrat.adapters.values import to_json
from bitbrat.store import FinalOutcome, Hop, Outgoing

_COUNT = {
    "outbox": "SELECT count(*) FROM outbox",
    "inbox": "SELECT count(*) FROM inbox",
    "final.surplus": "SELECT coalesce(sum(surplus), 0) FROM final",
    "quarantine": "SELECT count(*) FROM quarantine",
}
_OUTCOMES = "SELECT outcome, count(*) FROM final GROUP BY outcome"
_SET_ASIDE = "INSERT INTO quarantine (source, name, at, why, content) VALUES (:source, :name, :at, :why, :content)"


class SqlTables(SqlInbox, SqlDocuments, SqlFinals):
    """Inbox, outbox, documents and final records."""

    def commit(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing], *, owner: str, writes: Sequence[Put]) -> bool:
        """See the port."""
        if not self.settle(hop, state, tuple(outbox), owner=owner):
            return False
        self.write(writes)
        return True

    def apply(self, journal: Sequence[Change]) -> None:
        """Do what a transaction has written, in its order."""
        for change in journal:
            if isinstance(change, Decision):
                self.decide(change)
            elif isinstance(change, Put):
                self.write((change,))
            elif isinstance(change, Ended):
                self.end(change)
            else:
                self.enqueue((change,))

    def counts(self) -> Mapping[str, int]:
        """See the port."""
        outcomes = {row[0]: int(row[1]) for row in self._db.rows(_OUTCOMES, {})}
        sizes = {name: int(self._db.rows(statement, {})[0][0]) for name, statement in _COUNT.items()}
        return {**sizes, **{f"final.{outcome}": outcomes.get(outcome, 0) for outcome in get_args(FinalOutcome)}}

    def set_aside(self, table: str, key: Mapping[str, Any], why: str) -> None:
        """Move a row that cannot be read to the quarantine, as it is."""
        where = " AND ".join(f"{name} = :{name}" for name in key)
        for row in self._db.rows(f"SELECT * FROM {table} WHERE {where}", key):  # noqa: S608  names of ours
            content = to_json([one.hex() if isinstance(one, bytes) else one for one in row])
            name = "/".join(map(str, key.values()))
            self._db.changed(_SET_ASIDE, {"source": table, "name": name, "at": self._clock.now(), "why": why, "content": content})
        self._db.changed(f"DELETE FROM {table} WHERE {where}", key)  # noqa: S608  names of ours
