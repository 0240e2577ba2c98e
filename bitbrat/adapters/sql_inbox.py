"""The inbox in SQL. The statements are the same in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from bitbrat.adapters.inbox import ROW_STATES, Row, counts_start, held_state, judge, released, running
from bitbrat.adapters.sql_outbox import SqlOutbox
from bitbrat.adapters.tables import Decision
from bitbrat.errors import StoreError
from bitbrat.store import Claim, Hop, Outgoing

PURGE_AT_ONCE = 1000

_INSERT = (
    "INSERT INTO inbox (grp, hop_id, state, attempt, starts, owner, lease_until, at, digest)"
    " VALUES (:grp, :hop_id, :state, :attempt, :starts, :owner, :lease_until, :at, :digest)"
)
_CLAIM_NEW = f"{_INSERT} ON CONFLICT (grp, hop_id) DO NOTHING"
_WRITE = (
    f"{_INSERT} ON CONFLICT (grp, hop_id) DO UPDATE SET state = excluded.state, attempt = excluded.attempt,"
    " starts = excluded.starts, owner = excluded.owner, lease_until = excluded.lease_until, at = excluded.at"
)
_DECIDE = (
    f"{_INSERT} ON CONFLICT (grp, hop_id) DO UPDATE SET state = excluded.state, attempt = excluded.attempt,"
    " owner = excluded.owner, at = excluded.at, digest = excluded.digest"
)
_ROW = "SELECT state, attempt, starts, owner, lease_until, at, digest FROM inbox WHERE grp = :grp AND hop_id = :hop_id"
_OWNED = " WHERE grp = :grp AND hop_id = :hop_id AND owner = :owner AND state IN ('running', 'intent')"
_SETTLE = f"UPDATE inbox SET state = :state, attempt = :attempt, owner = '', at = :at{_OWNED}"  # noqa: S608  names of ours
_EXTEND = f"UPDATE inbox SET lease_until = :lease_until{_OWNED}"  # noqa: S608  names of ours
_DELETE = "DELETE FROM inbox WHERE grp = :grp AND hop_id = :hop_id"
_OWNERLESS = "UPDATE inbox SET lease_until = -1 WHERE state IN ('running', 'intent')"
_PURGE = (
    "DELETE FROM inbox WHERE (grp, hop_id) IN (SELECT grp, hop_id FROM inbox WHERE state IN ('retry', 'done') AND at < :at"
    " AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.grp = inbox.grp AND outbox.hop_id = inbox.hop_id) LIMIT :count)"
)


class SqlInbox(SqlOutbox):
    """Who has which hop."""

    lock_row = ""
    """What a database adds to a SELECT so that nobody else changes the row until the transaction ends."""

    def lease_now(self) -> float:
        """Seconds on the clock of the leases."""
        return self._clock.lease_now()

    def row(self, hop: Hop) -> Row | None:
        """The row as it is. Raises ``store.bad_row``: a hop of which we do not know whether it ran is not run."""
        found = self._db.rows(_ROW + self.lock_row, _key(hop))
        if not found:
            return None
        row = Row(*found[0])
        if row.state not in ROW_STATES or not isinstance(row.attempt, int) or not isinstance(row.starts, int):
            raise StoreError("store.bad_row", f"the inbox row of {hop.group} {hop.id:.150} cannot be read")
        return row

    def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim:
        """See the port."""
        now = self.lease_now()
        answer = judge(None, hop, now=now, max_starts=max_starts)
        taken = Row(held_state(answer, intent=intent), hop.attempt, 1, owner, now + lease, digest=hop.digest)
        if self._db.changed(_CLAIM_NEW, _parameters(hop, taken)):
            return Claim(answer, 1)
        row = self.row(hop)
        answer = judge(row, hop, now=now, max_starts=max_starts)
        starts = row.starts if row else 0
        if answer in ("done", "stale"):
            return Claim(answer, starts, outbox=self.unsent_of(hop), digest=row.digest if row else "")
        if answer == "running" and row:
            return running(row, now)
        taken = Row(held_state(answer, intent=intent), hop.attempt, starts + 1, owner, now + lease, digest=hop.digest)
        self._db.changed(_WRITE, _parameters(hop, taken))
        return Claim(answer, starts + 1)

    def count_start(self, hop: Hop) -> int:
        """See the port."""
        row = self.row(hop) or Row("retry", hop.attempt, at=self._clock.now())
        if counts_start(row, hop):
            row.starts += 1
            self._db.changed(_WRITE, _parameters(hop, row))
        return row.starts

    def heartbeat(self, hop: Hop, *, owner: str, lease: float) -> bool:
        """See the port."""
        until = self.lease_now() + lease
        return self._db.changed(_EXTEND, {**_key(hop), "owner": owner, "lease_until": until}) == 1

    def release(self, hop: Hop, *, owner: str) -> None:
        """See the port."""
        row = self.row(hop)
        if row is None or row.owner != owner or row.state not in ("running", "intent"):
            return
        left = released(row)
        if left:
            left.at = self._clock.now()
            self._db.changed(_WRITE, _parameters(hop, left))
        else:
            self._db.changed(_DELETE, _key(hop))

    def settle(self, hop: Hop, state: Literal["done", "retry"], messages: Sequence[Outgoing], *, owner: str) -> bool:
        """The inbox's and the outbox's part of a commit."""
        now = self._clock.now()
        parameters = {"state": state, "attempt": hop.attempt, "at": now, "grp": hop.group, "hop_id": hop.id, "owner": owner}
        if not self._db.changed(_SETTLE, parameters):
            return False
        for message in messages:
            self.keep(message, now, message.hop or hop)
        return True

    def decide(self, decision: Decision) -> None:
        """Write what a transaction decided."""
        row = Row(decision.state, decision.hop.attempt, at=self._clock.now(), digest=decision.hop.digest)
        self._db.changed(_DECIDE, _parameters(decision.hop, row))

    def purge(self, *, older_than: timedelta) -> int:
        """At most ``PURGE_AT_ONCE`` at a time: see the port."""
        limit = self._clock.now() - older_than // timedelta(microseconds=1)
        return self._db.changed(_PURGE, {"at": limit, "count": PURGE_AT_ONCE})

    def orphan(self) -> None:
        """All leases are over: the only process that could hold one is gone."""
        self._db.changed(_OWNERLESS, {})


def _key(hop: Hop) -> dict[str, Any]:
    return {"grp": hop.group, "hop_id": hop.id}


def _parameters(hop: Hop, row: Row) -> dict[str, Any]:
    return {
        "grp": hop.group,
        "hop_id": hop.id,
        "state": row.state,
        "attempt": row.attempt,
        "starts": row.starts,
        "owner": row.owner,
        "lease_until": row.lease_until,
        "at": row.at,
        "digest": row.digest,
    }
