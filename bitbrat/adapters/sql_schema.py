"""The tables of stores that speak SQL, as numbered changes, and the little in which the databases differ.

Times are microseconds since 1970, except ``lease_until``: seconds on the clock of the leases. Names are compared byte by byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

SQLITE_TYPES = {"text": "TEXT", "bytes": "BLOB", "clustered": " WITHOUT ROWID"}

_CHANGES = (
    """
CREATE TABLE inbox (
    grp {text} NOT NULL, hop_id {text} NOT NULL,
    state {text} NOT NULL CHECK (state IN ('running', 'intent', 'retry', 'done')),
    attempt INTEGER NOT NULL, starts INTEGER NOT NULL,
    owner {text} NOT NULL, lease_until DOUBLE PRECISION NOT NULL, at BIGINT NOT NULL,
    digest {text} NOT NULL,
    PRIMARY KEY (grp, hop_id)
){clustered};
CREATE INDEX inbox_decided ON inbox (at) WHERE state IN ('retry', 'done');

CREATE TABLE outbox (
    wire_id {text} PRIMARY KEY, topic {text} NOT NULL, data {bytes} NOT NULL, headers {text} NOT NULL,
    held INTEGER NOT NULL, ready BIGINT NOT NULL,
    grp {text} NOT NULL, hop_id {text} NOT NULL, attempt INTEGER NOT NULL
);
CREATE INDEX outbox_ready ON outbox (held, ready, wire_id);
CREATE INDEX outbox_hop ON outbox (grp, hop_id);

CREATE TABLE documents (
    collection {text} NOT NULL, key {text} NOT NULL, value {text} NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (collection, key)
){clustered};

CREATE TABLE final (
    id {text} PRIMARY KEY, outcome {text} NOT NULL, at BIGINT NOT NULL, data {bytes} NOT NULL,
    correlation_id {text} NOT NULL, type {text} NOT NULL, code {text} NOT NULL, fingerprint {text} NOT NULL,
    source_topic {text} NOT NULL, grp {text} NOT NULL, replay_of {text} NOT NULL,
    state {text} NOT NULL, surplus INTEGER NOT NULL, replays INTEGER NOT NULL, detail {text} NOT NULL
);
CREATE INDEX final_at ON final (at, id);
CREATE INDEX final_fingerprint ON final (fingerprint, at, id) WHERE fingerprint <> '';
CREATE INDEX final_correlation ON final (correlation_id, at, id);

CREATE TABLE quarantine (
    source {text} NOT NULL, name {text} NOT NULL, at BIGINT NOT NULL, why {text} NOT NULL, content {text} NOT NULL
);
""",
)


def changes(types: Mapping[str, str]) -> list[str]:
    """The schema's changes in order, in the words of one database."""
    return [change.format_map(types) for change in _CHANGES]


class Database(Protocol):
    """A connection inside a transaction. Statements name their parameters ``:so``."""

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows that a statement answers."""
        ...

    def changed(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""
        ...


class Clock(Protocol):
    """Whose time decides."""

    def now(self) -> int:
        """Microseconds since 1970."""
        ...

    def lease_now(self) -> float:
        """Seconds on the clock of the leases."""
        ...


class Part:
    """One part of the tables, on one connection. ``bad`` collects the rows that could not be read: table, key, why."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self.bad: list[tuple[str, Mapping[str, Any], str]] = []
