"""Steps whose effects can be counted afterwards, for processes that are killed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bitbrat import Annotation, Context, Envelope, Next, Outcome, Service

GATE = "BITBRAT_TEST_GATE"
"""The file that ``slow`` waits for."""

service = Service("counting")


@service.step("internal.noting.v1")
async def noting(envelope: Envelope, ctx: Context) -> Outcome:
    """A recorded step."""
    return Next(annotations=(Annotation(kind="noted", by="noting"),))


@service.step("internal.counting.v1", effects="transactional")
async def counting(envelope: Envelope, ctx: Context) -> Outcome:
    """A transactional step: one more for the total, and one more for this event."""
    number = str(envelope.payload["n"])
    await ctx.tx.put("total", "events", (await ctx.tx.get("total", "events") or 0) + 1)
    await ctx.tx.put("counted", number, (await ctx.tx.get("counted", number) or 0) + 1)
    return Next()


@service.step("internal.slow.v1", timeout=120)
async def slow(envelope: Envelope, ctx: Context) -> Outcome:
    """A step that does not end before the gate is there."""
    gate = Path(os.environ.get(GATE, "/nowhere"))
    while not gate.exists():
        await asyncio.sleep(0.05)
    return Next()
