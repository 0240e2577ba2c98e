"""The schema of a PostgreSQL database: numbered changes, applied in order, each once, by one process at a time."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from bitbrat.errors import StoreError

_LOCK = 0x62697462726174  # "bitbrat"
# Read from the table of tables: to_regclass may answer from what this connection knew before it waited for the lock.
_THERE = "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'bitbrat_schema' AND pg_table_is_visible(oid))"
_TABLE = 'CREATE TABLE bitbrat_schema (part TEXT COLLATE "C" PRIMARY KEY, version INTEGER NOT NULL)'
_VERSION = "SELECT version FROM bitbrat_schema WHERE part = $1"
_NOTE = "INSERT INTO bitbrat_schema VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET version = excluded.version"


async def migrate(raw: asyncpg.Connection, part: str, changes: Sequence[str]) -> None:
    """Bring ``part`` of the database to version ``len(changes)``: all or nothing.

    Raises ``store.schema`` when the database has a newer version, or keeps no UTF-8.
    """
    encoding = await raw.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreError("store.schema", f"the database keeps text as {encoding}, needed is UTF8", fix="createdb --encoding UTF8")
    if await _version(raw, part) == len(changes):
        return  # the usual start: nothing is locked, nothing may be forbidden
    async with raw.transaction():
        await raw.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        version = await _version(raw, part)
        if version > len(changes):
            raise StoreError(
                "store.schema",
                f"the {part} part of the database has schema version {version}, this program knows versions up to {len(changes)}",
            )
        for change in changes[version:]:
            await raw.execute(change)
        if not await raw.fetchval(_THERE):
            await raw.execute(_TABLE)
        await raw.execute(_NOTE, part, len(changes))


async def _version(raw: asyncpg.Connection, part: str) -> int:
    there = await raw.fetchval(_THERE)
    return (await raw.fetchval(_VERSION, part) or 0) if there else 0
