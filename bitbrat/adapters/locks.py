"""Locks by key, for transactions of stores that one process owns.

A key has one holder; others wait in line. Two holders that wait for each other are found at once, because each knows
what it waits for.
"""

from __future__ import annotations

import asyncio
from collections import deque

from bitbrat.errors import StoreUnavailable
from bitbrat.store import Hop

Key = tuple[str, ...]


def hop_key(hop: Hop) -> Key:
    """The key of a hop's row."""
    return ("hop", hop.group, hop.id)


def document_key(collection: str, key: str) -> Key:
    """The key of a document."""
    return ("document", collection, key)


def final_key(envelope_id: str) -> Key:
    """The key of a final record."""
    return ("final", envelope_id)


class Holder:
    """Somebody who holds keys: a transaction, or an operation outside of one."""

    __slots__ = ("keys", "waiting")

    def __init__(self) -> None:
        self.keys: dict[Key, None] = {}  # in the order in which they were taken: who is next must not depend on hashes
        self.waiting: dict[Key, asyncio.Future[None]] = {}


class KeyLocks:
    """``patience`` is how many seconds anybody waits for a key before ``StoreUnavailable``."""

    def __init__(self, patience: float = 10.0) -> None:
        self._patience = patience
        self.held: dict[Key, Holder] = {}
        self._lines: dict[Key, deque[Holder]] = {}

    async def acquire(self, holder: Holder, key: Key) -> None:
        """Return once ``holder`` has ``key``. Raises ``StoreUnavailable`` for a deadlock, or out of patience."""
        current = self.held.get(key)
        if current is None:
            self._give(key, holder)
        elif current is not holder:
            await self._stand_in_line(holder, key)

    def release(self, holder: Holder) -> None:
        """Let go of everything that ``holder`` has or waits for; the next in each line gets it."""
        for key, turn in list(holder.waiting.items()):
            self._leave_line(holder, key, turn)
        for key in holder.keys:
            line = self._lines.get(key)
            if not line:
                del self.held[key]
                continue
            following = line.popleft()
            if not line:
                del self._lines[key]
            self._give(key, following)
            following.waiting.pop(key).set_result(None)
        holder.keys.clear()

    def _give(self, key: Key, holder: Holder) -> None:
        self.held[key] = holder
        holder.keys[key] = None

    async def _stand_in_line(self, holder: Holder, key: Key) -> None:
        turn = holder.waiting.get(key)
        if turn is None:
            if self._waits_for(self.held[key], holder):
                raise StoreUnavailable("store.contended", f"two transactions wait for each other's {'/'.join(key):.100}")
            turn = holder.waiting[key] = asyncio.get_running_loop().create_future()
            self._lines.setdefault(key, deque()).append(holder)
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.shield(turn)
        except TimeoutError as exc:
            raise StoreUnavailable(
                "store.contended", f"{'/'.join(key):.100} was held for {self._patience:g} s by another transaction"
            ) from exc
        finally:
            self._leave_line(holder, key, turn)

    def _leave_line(self, holder: Holder, key: Key, turn: asyncio.Future[None]) -> None:
        if turn.done() or holder.waiting.get(key) is not turn:
            return
        del holder.waiting[key]
        line = self._lines[key]
        line.remove(holder)
        if not line:
            del self._lines[key]

    def _waits_for(self, holder: Holder, wanted: Holder) -> bool:
        """Whether ``holder`` cannot go on before ``wanted`` does."""
        seen: set[int] = set()
        pending = [holder]
        while pending:
            one = pending.pop()
            if one is wanted:
                return True
            if id(one) not in seen:
                seen.add(id(one))
                pending += [self.held[key] for key in one.waiting]
        return False
