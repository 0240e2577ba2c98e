"""The tables in PostgreSQL, where several processes write at once: a key that is there is locked by its row, one that is not by
a lock on its name. Times are the database's, read in the statement that needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal

from bitbrat.adapters.inbox import Row, held_state, judge, running
from bitbrat.adapters.memory_documents import conflict
from bitbrat.adapters.sql_tables import SqlTables
from bitbrat.adapters.tables import Decision
from bitbrat.adapters.values import micros, to_json
from bitbrat.errors import StoreError, StoreUnavailable
from bitbrat.store import Claim, Document, Hop, Outgoing

TYPES = {"text": 'TEXT COLLATE "C"', "bytes": "BYTEA", "clustered": ""}
SECONDS = "extract(epoch FROM clock_timestamp())::float8"
MICROSECONDS = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_TURNS = 20

_INSERT = "INSERT INTO inbox (grp, hop_id, state, attempt, starts, owner, lease_until, at, digest) VALUES (:grp, :hop_id, :state, :attempt"
_TAKE = f"{_INSERT}, 1, :owner, {SECONDS} + :lease, 0, :digest) ON CONFLICT (grp, hop_id) DO NOTHING"
_TAKE_OVER = (
    f"UPDATE inbox SET state = :state, attempt = :attempt, starts = starts + 1, owner = :owner, lease_until = {SECONDS} + :lease,"  # noqa: S608
    " at = 0 WHERE grp = :grp AND hop_id = :hop_id"
)
_DONE = f"{_INSERT}, 0, '', 0, {MICROSECONDS}, :digest) ON CONFLICT (grp, hop_id)"
DECIDE_NEW = f"{_DONE} DO NOTHING"
_DECIDE = (
    f"{_DONE} DO UPDATE SET state = excluded.state, attempt = excluded.attempt, owner = '', at = excluded.at, digest = excluded.digest"
)
_COUNT = (
    f"{_INSERT}, 1, '', 0, {MICROSECONDS}, '') ON CONFLICT (grp, hop_id) DO UPDATE SET starts = inbox.starts + 1"
    " WHERE inbox.state <> 'done' AND inbox.attempt <= excluded.attempt RETURNING starts"
)
_ROW = (
    f"SELECT state, attempt, starts, owner, lease_until, at, digest, {SECONDS} FROM inbox"  # noqa: S608  names of ours
    " WHERE grp = :grp AND hop_id = :hop_id FOR UPDATE"
)
_OWNED = " WHERE grp = :grp AND hop_id = :hop_id AND owner = :owner AND state IN ('running', 'intent')"
_SETTLE = f"UPDATE inbox SET state = :state, attempt = :attempt, owner = '', at = {MICROSECONDS}{_OWNED}"  # noqa: S608
_EXTEND = f"UPDATE inbox SET lease_until = {SECONDS} + :lease{_OWNED}"  # noqa: S608  names of ours
_FORGET = "DELETE FROM inbox WHERE grp = :grp AND hop_id = :hop_id"
KEEP = (
    "INSERT INTO outbox (wire_id, topic, data, headers, held, ready, grp, hop_id, attempt) VALUES (:wire_id, :topic, :data, :headers,"  # noqa: S608
    f" :held, coalesce(:ready, {MICROSECONDS}), :grp, :hop_id, :attempt) ON CONFLICT (wire_id) DO NOTHING"
)
SENT = "DELETE FROM outbox WHERE wire_id = ANY(:wire_ids)"

_NAME = " WHERE collection = :collection AND key = :key"
_GET = f"SELECT key, value, version FROM documents{_NAME} FOR UPDATE"  # noqa: S608  names of ours
_LOCK = "SELECT pg_advisory_xact_lock(:name)"
CHANGE = f"UPDATE documents SET value = :value, version = version + 1{_NAME}"  # noqa: S608  names of ours
CHANGE_ANY = f"{CHANGE} RETURNING version"
_VERSION = f"SELECT version FROM documents{_NAME}"  # noqa: S608  names of ours
_ADD = (
    "INSERT INTO documents (collection, key, value, version) SELECT :collection, :key, :value, 1 FROM pg_advisory_xact_lock(:name)"
    " ON CONFLICT (collection, key) DO"
)
PUT = f"{_ADD} UPDATE SET value = excluded.value, version = documents.version + 1 RETURNING version"
_PUT_NEW = f"{_ADD} NOTHING RETURNING version"


class PgTables(SqlTables):
    """What differs from a database with one writer: see the statements."""

    lock_row = " FOR UPDATE"

    # inbox

    def claim_new(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim | None:
        """Claim a hop that nobody knows yet, in one statement. None: it is known. Waits for a transaction that has it."""
        answer = judge(None, hop, now=0, max_starts=max_starts)
        state = held_state(answer, intent=intent)
        taken = self._db.changed(_TAKE, {**decided(hop, state), "owner": owner, "lease": lease})
        return Claim(answer, 1) if taken else None

    def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim:
        """See the port; for a hop that is known, in all likelihood."""
        for _ in range(_TURNS):
            found = self._locked(hop)
            if found:
                answer = self._judged(hop, *found, max_starts=max_starts, counting=1)
                if answer.state in ("done", "stale", "running"):
                    return answer
                state = held_state(answer.state, intent=intent)
                self._db.changed(_TAKE_OVER, {**decided(hop, state), "owner": owner, "lease": lease})
                return Claim(answer.state, answer.starts + 1)
            fresh = self.claim_new(hop, owner=owner, lease=lease, max_starts=max_starts, intent=intent)
            if fresh:
                return fresh
        raise _restless(hop)

    def claim_inside(self, hop: Hop, *, max_starts: int) -> tuple[Claim, bool]:
        """A transaction's claim of a hop that is known, in all likelihood; and whether the row is of its making after all:
        decided already, for the transaction is the decision.
        """
        for _ in range(_TURNS):
            found = self._locked(hop)
            if found:
                return self._judged(hop, *found, max_starts=max_starts, counting=0), False
            if self._db.changed(DECIDE_NEW, decided(hop, "done")):
                return new_inside(max_starts), True
        raise _restless(hop)

    def _locked(self, hop: Hop) -> tuple[Row, float] | None:
        found = self._db.rows(_ROW, {"grp": hop.group, "hop_id": hop.id})
        return (Row(*found[0][:7]), found[0][7]) if found else None

    def _judged(self, hop: Hop, row: Row, now: float, *, max_starts: int, counting: int) -> Claim:
        answer = judge(row, hop, now=now, max_starts=max_starts, counting=counting)
        if answer == "running":
            return running(row, now)
        unsent = self.unsent_of(hop) if answer in ("done", "stale") else ()
        return Claim(answer, row.starts, outbox=unsent, digest=row.digest)

    def count_start(self, hop: Hop) -> int:
        """See the port."""
        counted = self._db.rows(_COUNT, decided(hop, "retry"))
        row = None if counted else self.row(hop)
        return int(counted[0][0]) if counted else row.starts if row else 0

    def heartbeat(self, hop: Hop, *, owner: str, lease: float) -> bool:
        """See the port."""
        return self._db.changed(_EXTEND, {"grp": hop.group, "hop_id": hop.id, "owner": owner, "lease": lease}) == 1

    def settle(self, hop: Hop, state: Literal["done", "retry"], messages: Sequence[Outgoing], *, owner: str) -> bool:
        """The inbox's and the outbox's part of a commit."""
        parameters = {"state": state, "attempt": hop.attempt, "grp": hop.group, "hop_id": hop.id, "owner": owner}
        if not self._db.changed(_SETTLE, parameters):
            return False
        for message in messages:
            self.keep(message, 0, message.hop or hop)
        return True

    def decide(self, decision: Decision) -> None:
        """Write what a transaction decided."""
        self._db.changed(_DECIDE, decided(decision.hop, decision.state))

    def forget(self, hop: Hop) -> None:
        """Remove the row of a claim that led to nothing."""
        self._db.changed(_FORGET, {"grp": hop.group, "hop_id": hop.id})

    # outbox

    def enqueue(self, messages: Iterable[Outgoing]) -> None:
        """See the port."""
        for message in messages:
            self.keep(message, 0, message.hop)

    def keep(self, message: Outgoing, now: int, hop: Hop | None) -> None:  # noqa: ARG002  the database has its own
        """Insert a row, unless its wire id waits already."""
        self._db.changed(KEEP, kept(message, hop))

    def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """See the port."""
        self._db.changed(SENT, {"wire_ids": list(wire_ids)})

    # documents

    def get_locked(self, collection: str, key: str) -> Document | None:
        """A document that nobody else writes until the transaction ends; one that is not there is not made by anybody else."""
        name = named(collection, key)
        rows = self._db.rows(_GET, name)
        if not rows:
            self._db.rows(_LOCK, name)
            rows = self._db.rows(_GET, name)  # made by the one we have waited for
        found = self._documents(collection, rows)
        return found[0] if found else None

    def put(self, collection: str, key: str, text: str, *, expected: int | None = None) -> int:
        """See the port."""
        name = {**named(collection, key), "value": text}
        if expected is None:
            changed = self._db.rows(CHANGE_ANY, name)
            return int((changed or self._db.rows(PUT, name))[0][0])
        if expected:
            changed = self._db.rows(f"{CHANGE} AND version = :expected RETURNING version", {**name, "expected": expected})
        else:
            changed = self._db.rows(_PUT_NEW, name)
        if changed:
            return int(changed[0][0])
        found = self._db.rows(_VERSION, name)
        raise conflict(collection, key, expected, found[0][0] if found else 0)


def decided(hop: Hop, state: str) -> Mapping[str, Any]:
    """The parameters of a hop's row."""
    return {"grp": hop.group, "hop_id": hop.id, "state": state, "attempt": hop.attempt, "digest": hop.digest}


def new_inside(max_starts: int) -> Claim:
    """A transaction's claim of a hop that nobody knew."""
    return Claim("run" if max_starts >= 0 else "crash_loop")


def kept(message: Outgoing, hop: Hop | None) -> Mapping[str, Any]:
    """The parameters of ``KEEP``."""
    held = message.not_before
    return {
        "wire_id": message.wire_id,
        "topic": message.topic,
        "data": message.data,
        "headers": to_json(dict(message.headers)) if message.headers else "{}",
        "held": 0 if held is None else 1,
        "ready": None if held is None else micros(held),
        "grp": hop.group if hop else "",
        "hop_id": hop.id if hop else "",
        "attempt": hop.attempt if hop else 0,
    }


def named(collection: str, key: str) -> dict[str, Any]:
    """The parameters of a document's name; ``name`` is what is locked while there is no row."""
    name = int.from_bytes(blake2b(f"{collection}\0{key}".encode(errors="replace"), digest_size=8).digest(), "big", signed=True)
    return {"collection": collection, "key": key, "name": name}


def _restless(hop: Hop) -> StoreError:
    return StoreUnavailable("store.contended", f"{hop.group} {hop.id:.150} was made and forgotten all the time by others")
