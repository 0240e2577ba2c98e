"""A connection to PostgreSQL as the SQL tables use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg

from bitbrat.adapters.pg_bridge import Bridge, wait_for
from bitbrat.adapters.pg_tables import MICROSECONDS, SECONDS, PgTables

T = TypeVar("T")
_PARAMETER = re.compile(r"(?<!:):([a-z_][a-z_0-9]*)")


@lru_cache(maxsize=512)
def numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """A statement with ``$1`` in place of ``:name``, and the names in the order of their numbers."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names


class PgConnection:
    """``raw`` belongs to one task at a time. ``tables`` may be used inside ``run`` only."""

    def __init__(self, raw: asyncpg.Connection) -> None:
        self.raw = raw
        self.tables = PgTables(self, self)
        self._bridge = Bridge()

    async def run(self, work: Callable[[PgTables], T]) -> T:
        """What ``work`` answers on the tables."""
        return await self._bridge.run(work, self.tables)

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows that a statement answers."""
        return wait_for(self.fetch(statement, parameters))

    def changed(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""
        return wait_for(self.execute(statement, parameters))

    # The same for who can wait by himself: what every hop does needs no bridge

    async def fetch(self, statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows that a statement answers."""
        text, names = numbered(statement)
        found: Sequence[Sequence[Any]] = await self.raw.fetch(text, *[parameters[name] for name in names])
        return found

    async def execute(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""
        text, names = numbered(statement)
        status: str = await self.raw.execute(text, *[parameters[name] for name in names])
        return int(status.rpartition(" ")[2])

    # The database's own clock

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self.rows(f"SELECT {MICROSECONDS}", {})[0][0])

    def lease_now(self) -> float:
        """Seconds since 1970: every process that shares the database has the same."""
        return float(self.rows(f"SELECT {SECONDS}", {})[0][0])
