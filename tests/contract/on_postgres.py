"""The PostgreSQL store under the contract suite: a corner of a real server for each test, with a clock that stands still."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from bitbrat.adapters.pg_store import PgStore
from bitbrat.config.pg_url import PgAddress
from tests import postgres_server

_places: dict[Path, PgAddress] = {}


def pg_store(path: Path, start: str) -> PgStore:
    """The store at ``path``: the same corner each time."""
    if path not in _places:
        _places[path] = postgres_server.shared().corner(still_since=start)
    return PgStore(_places[path], patience=5.0)


async def pass_time(path: Path, seconds: float) -> None:
    """Set the corner's clock to ``seconds`` after its start."""
    place = _places[path]
    connection = await asyncpg.connect(host=place.host, port=place.port, user=place.user, database=place.database)
    try:
        await connection.execute("UPDATE passed SET seconds = $1", seconds)
    finally:
        await connection.close()
