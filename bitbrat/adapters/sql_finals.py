"""Final records in SQL: how each envelope ended, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from bitbrat.adapters.sql_documents import after_prefix
from bitbrat.adapters.sql_schema import Part
from bitbrat.adapters.tables import Ended, Filter
from bitbrat.adapters.values import PREFIX_LENGTH, ascii_json, micros, moment_of
from bitbrat.store import FinalOutcome, FinalRecord, FinalState

_NAMES = (
    "id outcome at data correlation_id type code fingerprint source_topic grp replay_of state surplus replays detail".split()  # noqa: SIM905
)
_KEPT = frozenset(("id", "state", "surplus", "replays"))
"""What a later record does not change of the ``pending_reply`` that it replaces."""
_END = (
    f"INSERT INTO final ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)})"  # noqa: S608  names of ours
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES if name not in _KEPT)}"
    " WHERE final.outcome = 'pending_reply' AND excluded.outcome <> 'pending_reply'"
)
_SURPLUS = "UPDATE final SET surplus = surplus + 1 WHERE id = :id"
_SELECT = f"SELECT {', '.join(_NAMES)} FROM final"  # noqa: S608  names of ours
_BY_ID = f"{_SELECT} WHERE id = :id"
_BY_PREFIX = f"{_SELECT} WHERE id >= :prefix AND id < :above LIMIT 2"
_STATE = "SELECT state FROM final WHERE id = :id"
_REPLAY = "UPDATE final SET replays = replays + 1, state = 'replaying' WHERE id = :id AND state = 'open' RETURNING replays"
_SET_STATE = "UPDATE final SET state = :state WHERE id = :id"
_OUTCOMES = frozenset(get_args(FinalOutcome))
_STATES = frozenset(get_args(FinalState))


class SqlFinals(Part):
    """One row an envelope id."""

    def end(self, ended: Ended) -> bool:
        """Write the record, or count the surplus arrival and answer False."""
        record = ended.record
        parameters = {name: getattr(record, "group" if name == "grp" else name) for name in _NAMES}
        if self._db.changed(_END, {**parameters, "at": micros(record.at), "detail": ended.detail}):
            return True
        self._db.changed(_SURPLUS, {"id": record.id})
        return False

    def ended(self, envelope_id: str) -> FinalRecord | None:
        """The record of exactly this id."""
        found = self._records(self._db.rows(_BY_ID, {"id": envelope_id}))
        return found[0] if found else None

    def final(self, envelope_id: str) -> FinalRecord | None:
        """See the port."""
        found = self.ended(envelope_id)
        if found or len(envelope_id) < PREFIX_LENGTH:
            return found
        rows = self._db.rows(_BY_PREFIX, {"prefix": envelope_id, "above": after_prefix(envelope_id)})
        records = self._records(rows)
        return records[0] if len(rows) == 1 and records else None

    def finals(self, which: Filter) -> list[FinalRecord]:
        """See the port."""
        conditions, parameters = _conditions(which)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        way = "DESC" if which.newest_first else "ASC"
        statement = f"{_SELECT}{where} ORDER BY at {way}, id {way} LIMIT :count"
        return self._records(self._db.rows(statement, {**parameters, "count": which.limit}))

    def next_replay(self, envelope_id: str) -> int | None:
        """See the port."""
        counted = self._db.rows(_REPLAY, {"id": envelope_id})
        if counted:
            return int(counted[0][0])
        return -1 if self._db.rows(_STATE, {"id": envelope_id}) else None

    def set_state(self, envelope_id: str, state: FinalState) -> bool:
        """See the port."""
        return self._db.changed(_SET_STATE, {"id": envelope_id, "state": state}) == 1

    def _records(self, rows: Iterable[Sequence[Any]]) -> list[FinalRecord]:
        read = []
        for row in rows:
            try:
                read.append(_record(row))
            except (TypeError, ValueError, OverflowError, RecursionError) as exc:
                self.bad.append(("final", {"id": row[0]}, repr(exc)))
        return read


def _conditions(which: Filter) -> tuple[list[str], dict[str, Any]]:
    """What a filter asks for: conditions from a fixed set, and the values as parameters."""
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    for column, wanted in (("outcome", which.outcomes), ("state", which.states)):
        names = {f"{column}{index}": one for index, one in enumerate(wanted)}
        if names:
            conditions.append(f"{column} IN ({', '.join(f':{name}' for name in names)})")
            parameters.update(names)
    for column, value in (("fingerprint", which.fingerprint), ("correlation_id", which.correlation_id)):
        if value:
            conditions.append(f"{column} = :{column}")
            parameters[column] = value
    if which.fingerprint:
        conditions.append("fingerprint <> ''")  # as the index says
    if which.after:
        conditions.append(f"(at, id) {'<' if which.newest_first else '>'} (:after_at, :after_id)")
        parameters.update(after_at=micros(which.after[0]), after_id=which.after[1])
    return conditions, parameters


def _record(row: Sequence[Any]) -> FinalRecord:
    values = dict(zip(_NAMES, row, strict=True))
    detail = ascii_json(values["detail"])
    if values["outcome"] not in _OUTCOMES or values["state"] not in _STATES or not isinstance(detail, dict):
        raise ValueError("not a final record")
    if not isinstance(values["data"], bytes):
        raise TypeError("data is not bytes")
    values.update(at=moment_of(values["at"]), detail=detail, group=values.pop("grp"))
    values.update(surplus=int(values["surplus"]), replays=int(values["replays"]))
    return FinalRecord(**values)
