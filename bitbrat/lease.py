"""The keeper of leases: what is in hand stays in hand, while it waits and while it runs.

One task per process extends every held delivery, and the claim of its hop, three times per lease.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from bitbrat.bus import Delivery
from bitbrat.errors import BitBratError
from bitbrat.store import Hop, Store

BEATS_PER_LEASE = 3


@dataclass(slots=True)
class Held:
    """A delivery in hand and, once it is claimed, the hop that it is for.

    ``owner`` is this delivery's own: two deliveries of one hop in one process are two owners.
    """

    delivery: Delivery
    owner: str
    hop: Hop | None = None
    beats: int = 0


class LeaseKeeper:
    """Extends what is held. ``lease`` in seconds is that of the bus and of the store's claims alike."""

    def __init__(self, store: Store, *, owner: str, lease: float) -> None:
        self.owner = owner
        self.lease = lease
        self._store = store
        self._held: dict[str, Held] = {}
        self._taken = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.get_running_loop().create_task(self._beat(), name="lease-keeper")

    async def stop(self) -> None:
        """Stop beating. What is still held comes back after its lease."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def hold(self, delivery: Delivery) -> Held:
        """Keep ``delivery`` until it is dropped."""
        self._taken += 1
        held = Held(delivery, f"{self.owner}:{self._taken}")
        self._held[held.owner] = held
        return held

    def drop(self, held: Held) -> None:
        """It is settled."""
        self._held.pop(held.owner, None)

    def __len__(self) -> int:
        return len(self._held)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.lease / BEATS_PER_LEASE)
            for held in list(self._held.values()):
                # A first beat may come right after the receipt; nothing needs it yet.
                if held.beats:
                    await self._extend(held)
                held.beats += 1

    async def _extend(self, held: Held) -> None:
        with contextlib.suppress(BitBratError):
            await held.delivery.extend()
            if held.hop is not None:
                await self._store.heartbeat(held.hop, owner=held.owner, lease=self.lease)
