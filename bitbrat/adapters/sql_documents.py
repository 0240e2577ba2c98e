"""Documents in SQL: JSON text with a version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bitbrat.adapters.memory_documents import conflict
from bitbrat.adapters.sql_schema import Part
from bitbrat.adapters.tables import Put
from bitbrat.adapters.values import ascii_json
from bitbrat.store import Document

_GET = "SELECT key, value, version FROM documents WHERE collection = :collection AND key = :key"
_PUT = (
    "INSERT INTO documents (collection, key, value, version) VALUES (:collection, :key, :value, 1)"
    " ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value, version = documents.version + 1 RETURNING version"
)
_VERSION = "SELECT version FROM documents WHERE collection = :collection AND key = :key"
_DELETE = "DELETE FROM documents WHERE collection = :collection AND key = :key"
_FIND = "SELECT key, value, version FROM documents WHERE collection = :collection AND key >= :prefix ORDER BY key LIMIT :count"
_FIND_BELOW = (
    "SELECT key, value, version FROM documents WHERE collection = :collection AND key >= :prefix AND key < :above ORDER BY key LIMIT :count"
)


class SqlDocuments(Part):
    """Documents by collection and key."""

    def get(self, collection: str, key: str) -> Document | None:
        """See the port. A damaged document is none."""
        found = self._documents(collection, self._db.rows(_GET, {"collection": collection, "key": key}))
        return found[0] if found else None

    def put(self, collection: str, key: str, text: str, *, expected: int | None = None) -> int:
        """See the port."""
        name = {"collection": collection, "key": key}
        if expected is not None:
            found = self._db.rows(_VERSION, name)
            version = found[0][0] if found else 0
            if version != expected:
                raise conflict(collection, key, expected, version)
        return int(self._db.rows(_PUT, {**name, "value": text})[0][0])

    def delete(self, collection: str, key: str) -> None:
        """See the port."""
        self._db.changed(_DELETE, {"collection": collection, "key": key})

    def find(self, collection: str, *, prefix: str, limit: int) -> list[Document]:
        """See the port."""
        above = after_prefix(prefix)
        parameters = {"collection": collection, "prefix": prefix, "count": limit}
        if above:
            return self._documents(collection, self._db.rows(_FIND_BELOW, {**parameters, "above": above}))
        return self._documents(collection, self._db.rows(_FIND, parameters))

    def write(self, writes: Iterable[Put]) -> None:
        """Put and remove documents."""
        for put in writes:
            if put.text is None:
                self.delete(put.collection, put.key)
            else:
                self.put(put.collection, put.key, put.text)

    def _documents(self, collection: str, rows: Iterable[Sequence[Any]]) -> list[Document]:
        read = []
        for key, value, version in rows:
            try:
                read.append(Document(key, ascii_json(value), int(version)))
            except (TypeError, ValueError, RecursionError) as exc:
                self.bad.append(("documents", {"collection": collection, "key": key}, repr(exc)))
        return read


def after_prefix(prefix: str) -> str:
    """The least text above everything that begins with ``prefix``; empty: there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
        prefix = prefix[:-1]
    return ""
