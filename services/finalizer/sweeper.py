"""Nothing stays open for ever: replies that never came back, replays that ended or never did."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from bitbrat import BitBratError, ServiceContext
from bitbrat.codec import decode
from bitbrat.envelope import parse_time
from bitbrat.records import final_record
from bitbrat.store import FinalOutcome, FinalRecord, FinalState, Store
from bitbrat.world import named_id
from services.finalizer.settings import FinalizerSettings

BATCH = 100
SOON = 0.05
"""Seconds after which a replay that has just ended is looked at: its hop has to commit first."""

WELL: frozenset[FinalOutcome] = frozenset(["completed", "handled"])


class Sweeper:
    """What the finalizer's consumer and its background task share: a bell."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()

    def wake(self) -> None:
        """A replay has ended: look soon."""
        self._bell.set()

    async def wait(self, seconds: float) -> None:
        """Until somebody rings, at most ``seconds``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
                await asyncio.sleep(SOON)
        self._bell.clear()


async def sweep_for_ever(ctx: ServiceContext, sweeper: Sweeper, settings: FinalizerSettings) -> None:
    """Sweep, wait, sweep; ends only when it is cancelled."""
    while True:
        await sweep_once(ctx.store, now=ctx.now(), patience=settings.pending_seconds)
        await sweeper.wait(settings.sweep_seconds)


async def sweep_once(store: Store, *, now: datetime, patience: float) -> int:
    """Close what can be closed at ``now``; returns how many records changed. ``patience`` in seconds. Harmless to repeat."""
    late = now - timedelta(seconds=patience)
    changed = 0
    async for record in _records(store, outcomes=("pending_reply",)):
        changed += record.at <= late and await _give_up(store, record, now)
    async for record in _records(store, states=("replaying",)):
        changed += await _settle(store, record, late)
    return changed


async def _records(store: Store, *, outcomes: Sequence[FinalOutcome] = (), states: Sequence[FinalState] = ()) -> AsyncIterator[FinalRecord]:
    """All such records, oldest first."""
    after: tuple[datetime, str] | None = None
    while True:
        found = await store.finals(outcomes=outcomes, states=states, after=after, newest_first=False, limit=BATCH)
        for record in found:
            yield record
        if len(found) < BATCH:
            return
        after = (found[-1].at, found[-1].id)


async def _give_up(store: Store, record: FinalRecord, now: datetime) -> bool:
    """The replies went to egress and were never heard of again: the record ends as its envelope says, the replies unknown."""
    try:
        ended = final_record(decode(record.data), at=now, unknown=True)
    except BitBratError:
        return False
    async with store.transaction() as tx:
        return await tx.record(ended)


async def _settle(store: Store, original: FinalRecord, late: datetime) -> bool:
    """A replay that ended well closes its original; one that did not, or that never ended, opens it again."""
    replay_id = named_id(f"replay:{original.id}:{original.replays}")
    replay = await store.final(replay_id)
    if replay is not None and replay.outcome != "pending_reply":
        return await store.set_state(original.id, "replayed" if replay.outcome in WELL else "open")
    if replay is None and await _sent_at(store, replay_id, original) <= late:
        return await store.set_state(original.id, "open")
    return False


async def _sent_at(store: Store, replay_id: str, original: FinalRecord) -> datetime:
    """When the replay was sent, from the operators' book; without an entry, when the original ended."""
    entry = await store.get("replays", replay_id)
    at = entry.value.get("at") if entry is not None and isinstance(entry.value, dict) else None
    return parse_time(at) if isinstance(at, str) else original.at
