"""The schema of one part (bus, store) of an SQLite file: numbered changes, applied in order, each once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bitbrat.errors import StoreError


def migrate(connection: sqlite3.Connection, part: str, changes: Sequence[str]) -> None:
    """Bring ``part`` of the file to version ``len(changes)``; each change holds one or more statements, ended by semicolons.

    To be called inside a transaction: all or nothing. Raises ``store.schema`` when the file has a newer version.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS bitbrat_schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID")
    row = connection.execute("SELECT version FROM bitbrat_schema WHERE part = ?", (part,)).fetchone()
    version = row[0] if row else 0
    if version > len(changes):
        raise StoreError(
            "store.schema",
            f"the {part} part of the file has schema version {version}, this program knows versions up to {len(changes)}",
        )
    for change in changes[version:]:
        for statement in filter(str.strip, change.split(";")):
            connection.execute(statement)
    connection.execute("INSERT OR REPLACE INTO bitbrat_schema VALUES (?, ?)", (part, len(changes)))
