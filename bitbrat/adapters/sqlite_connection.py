"""A raw SQLite connection as the SQL tables use it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any


class SqliteConnection:
    """Rows with text that is not UTF-8 come with half surrogates in it, so that the others of the answer can be read."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows that a statement answers."""
        try:
            return self._raw.execute(statement, parameters).fetchall()
        except sqlite3.OperationalError as exc:
            if "decode" not in str(exc):
                raise
        return self._damaged_rows(statement, parameters)

    def changed(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """How many rows a statement changed."""
        return self._raw.execute(statement, parameters).rowcount

    def _damaged_rows(self, statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        strict = self._raw.text_factory
        self._raw.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            return self._raw.execute(statement, parameters).fetchall()
        finally:
            self._raw.text_factory = strict
