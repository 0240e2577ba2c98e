"""A process with one step, for the tests: ``python -m tests.flow.nats_worker URL PREFIX LEASE``. Says ready, and each message it begins."""

from __future__ import annotations

import asyncio
import os
import sys

from bitbrat import Context, Envelope, Handled, Outcome, Service
from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.adapters.nats_bus import NatsBus
from bitbrat.config import NatsSettings, parse_bus_url
from bitbrat.runtime import Options, build, running
from bitbrat.world import RealWorld

worker = Service("worker")


@worker.step("internal.work.v1", effects="none", concurrency=4)
async def work(envelope: Envelope, ctx: Context) -> Outcome:
    """Takes a little while, and says who did it."""
    os.write(1, f"{envelope.id}\n".encode())
    await asyncio.sleep(0.05)
    return Handled(reply=f"done by {os.getpid()}")


async def main(url: str, prefix: str, lease: float) -> None:
    """Run until somebody ends it."""
    world = RealWorld()
    bus = NatsBus(parse_bus_url(url), world, NatsSettings(ingress_bytes=4 * 1024**2), prefix=prefix, lease=lease)
    async with running(build([worker], bus=bus, store=MemoryStore(world), world=world, options=Options(lease=lease))):
        os.write(1, b"ready\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
