"""A connection to PostgreSQL as the SQL tables use it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg

from bitbrat.adapters.pg_bridge import wait_for
from bitbrat.adapters.pg_tables import MICROSECONDS, SECONDS, PgTables

_PARAMETER = re.compile(r"(?<!:):([a-z_][a-z_0-9]*)")


@lru_cache(maxsize=512)
def numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """A statement with ``$1`` in place of ``:name``, and the names in the order of their numbers."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names


class PgConnection:
    """``raw`` belongs to one task at a time. ``tables`` may be used inside ``bridged`` only."""

    def __init__(self, raw: asyncpg.Connection) -> None:
        self.raw = raw
        self.tables = PgTables(self, self)

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows that a statement answers."""
        text, names = numbered(statement)
        found: Sequence[Sequence[Any]] = wait_for(self.raw.fetch(text, *[parameters[name] for name in names]))
        return found

    def changed(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""
        text, names = numbered(statement)
        status: str = wait_for(self.raw.execute(text, *[parameters[name] for name in names]))
        return int(status.rpartition(" ")[2])

    # The database's own clock

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self.rows(f"SELECT {MICROSECONDS}", {})[0][0])

    def lease_now(self) -> float:
        """Seconds since 1970: every process that shares the database has the same."""
        return float(self.rows(f"SELECT {SECONDS}", {})[0][0])
