"""A transaction whose final records are told to the observer, once they are committed."""

from __future__ import annotations

from typing import Any

from bitbrat.hop.observer import Observer
from bitbrat.store import Document, FinalRecord, Transaction


class Noted:
    """``ctx.tx`` of a transactional hop: the transaction itself, and a note of each final record."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._records: list[tuple[FinalRecord, bool]] = []

    async def get(self, collection: str, key: str) -> Any | None:
        """See the port."""
        return await self._tx.get(collection, key)

    async def put(self, collection: str, key: str, value: Any) -> None:
        """See the port."""
        await self._tx.put(collection, key, value)

    async def delete(self, collection: str, key: str) -> None:
        """See the port."""
        await self._tx.delete(collection, key)

    async def find(self, collection: str, *, prefix: str = "", limit: int = 100) -> list[Document]:
        """See the port."""
        return await self._tx.find(collection, prefix=prefix, limit=limit)

    async def record(self, final: FinalRecord) -> bool:
        """See the port; kept until the commit."""
        first = await self._tx.record(final)
        self._records.append((final, first))
        return first

    def tell(self, observer: Observer) -> None:
        """It is committed now."""
        for final, first in self._records:
            if not first:
                observer.final_duplicate(final.id)
            elif final.outcome != "pending_reply":
                took = final.detail.get("totalMs")
                observer.finalised(final.outcome, took / 1000 if isinstance(took, int | float) else None)
