"""Nothing stays open for ever: replies that never came back, replays that ended or never did."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

from bitbrat import BitBratError, ServiceContext
from bitbrat.codec import decode
from bitbrat.envelope import parse_time
from bitbrat.operations import REPLAYING
from bitbrat.records import final_record
from bitbrat.store import Document, FinalOutcome, Store
from bitbrat.world import named_id
from services.finalizer.settings import FinalizerSettings

BATCH = 1_000
PENDING = "pending_replies"
"""The documents of envelopes whose replies are with egress: few, so that nobody has to look through all records."""

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
    for entry in await store.find(PENDING, limit=BATCH):
        if _at(entry, now) <= late:
            changed += await _give_up(store, entry.key, now)
            await store.delete(PENDING, entry.key)
    for entry in await store.find(REPLAYING, limit=BATCH):
        changed += await _settle(store, entry, now, late)
    return changed


async def _give_up(store: Store, envelope_id: str, now: datetime) -> bool:
    """The replies went to egress and were never heard of again: the record ends as its envelope says, the replies unknown."""
    record = await store.final(envelope_id)
    if record is None or record.outcome != "pending_reply":
        return False
    try:
        ended = final_record(decode(record.data), at=now, unknown=True)
    except BitBratError:
        return False
    async with store.transaction() as tx:
        return await tx.record(ended)


async def _settle(store: Store, entry: Document, now: datetime, late: datetime) -> bool:
    """A replay that ended well closes its original; one that did not, or that never ended, opens it again."""
    original = await store.final(entry.key)
    if original is None or original.state != "replaying":
        return await _forget(store, entry, if_=_at(entry, now) <= late)
    replay = await store.final(named_id(f"replay:{original.id}:{original.replays}"))
    if replay is not None and replay.outcome != "pending_reply":
        await store.set_state(original.id, "replayed" if replay.outcome in WELL else "open")
    elif replay is None and _at(entry, now) <= late:
        await store.set_state(original.id, "open")
    else:
        return False
    await store.delete(REPLAYING, entry.key)
    return True


async def _forget(store: Store, entry: Document, *, if_: bool) -> bool:
    """An operator wrote the entry and then made no replay, or is about to make one."""
    if if_:
        await store.delete(REPLAYING, entry.key)
    return False


def _at(entry: Document, now: datetime) -> datetime:
    """When the entry was made; one that does not say is new."""
    at = entry.value.get("at") if isinstance(entry.value, dict) else None
    return parse_time(at) if isinstance(at, str) else now
