"""One ``Idempotency-Key``, one event: the same body gets the same answer, another body is refused.

The key is kept for the day on which it came and the next, then purged.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import timedelta

from bitbrat import BitBratError, ServiceContext
from bitbrat.errors import StoreError
from bitbrat.web import HttpError

PURGE_EVERY = 3600.0
_KEY = re.compile(r"[!-~]{1,255}\Z")


def checked(key: str) -> str:
    """``key`` if it can be one. Raises ``http.bad_request``."""
    if _KEY.match(key) is None:
        raise BitBratError("http.bad_request", "an Idempotency-Key has 1 to 255 printable ASCII characters")
    return key


async def claim(ctx: ServiceContext, key: str, body: bytes, *, conflict: str = "http.idempotency_conflict") -> None:
    """Bind ``key`` to ``body``. Raises ``conflict`` when it was used with another one."""
    digest = hashlib.sha256(body).hexdigest()
    name = hashlib.sha256(key.encode()).hexdigest()
    for day in (0, 1):
        kept = await ctx.store.get(_collection(ctx, day), name)
        if kept is not None:
            return _same(kept.value, digest, conflict)
    try:
        await ctx.store.put(_collection(ctx, 0), name, digest, expected=0)
    except StoreError as error:
        if error.code != "store.conflict":
            raise
        kept = await ctx.store.get(_collection(ctx, 0), name)
        _same(kept.value if kept else digest, digest, conflict)


def _same(kept: object, digest: str, conflict: str) -> None:
    if kept != digest:
        raise HttpError(conflict, "this key, or id, came before with another content; the first one counts", status=409)


async def purge(ctx: ServiceContext) -> None:
    """Forget the keys of past days, every hour."""
    while True:
        for day in range(2, 9):
            collection = _collection(ctx, day)
            while documents := await ctx.store.find(collection, limit=500):
                for document in documents:
                    await ctx.store.delete(collection, document.key)
        await asyncio.sleep(PURGE_EVERY)


def _collection(ctx: ServiceContext, days_ago: int) -> str:
    return f"idempotency.{(ctx.now() - timedelta(days=days_ago)).date().isoformat()}"
