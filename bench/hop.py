"""How many hops a second: messages of 1 kB through slips of three steps, whole processes in turn, medians.

    python bench/hop.py [--messages 3000] [--rounds 3]

A hop is everything from the delivery of a message to its acknowledgement: decode, claim, handle, decide, encode, commit, publish, ack.
``none`` claims nothing, ``recorded`` is a step's default, ``transactional`` writes a document with each hop. ``law`` is what is left
without a bus and a store: codec and slip alone (bench/hop_codec.py has the parts).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from bitbrat import Context, Envelope, Next, Outcome, Service, codec, slip
from bitbrat.bus import Message
from bitbrat.hop import Silent
from bitbrat.hop.observer import HopEnd
from bitbrat.runtime import build, open_bus, open_store
from bitbrat.step import Effects
from bitbrat.testing import an_envelope
from bitbrat.topics import COMPLETE, Topic
from bitbrat.world import RealWorld

STEPS = ("one", "two", "three")
SIZE = 1024
KINDS = (
    "law",
    "memory none",
    "memory recorded",
    "memory transactional",
    "sqlite none",
    "sqlite recorded",
    "sqlite transactional",
)


class Counted(Silent):
    """Counts hops until there are enough."""

    def __init__(self, wanted: int) -> None:
        self.left = wanted
        self.done = asyncio.Event()

    def ended(self, end: HopEnd) -> None:
        """One less."""
        self.left -= 1
        if self.left == 0:
            self.done.set()


def message(number: int) -> Envelope:
    """A chat message of 1 kB before the first of three steps."""
    envelope = an_envelope(id=f"{number:08x}-0000-5000-8000-000000000000", text="", slip=list(STEPS))
    room = SIZE - len(codec.encode(envelope))
    return envelope.but(payload={"text": "x" * max(room, 0)})


def a_service(effects: Effects) -> Service:
    """Three steps that do nothing, or write one document each."""
    service = Service("bench")

    async def step(envelope: Envelope, ctx: Context) -> Outcome:
        if effects == "transactional":
            await ctx.tx.put("bench", ctx.hop_id, 1)
        return Next()

    for name in STEPS:
        service.step(f"internal.{name}.v1", effects=effects)(step)
    return service


async def hops(kind: str, effects: Effects, messages: int, folder: str) -> float:
    """Hops a second of a running process."""
    world, seen = RealWorld(), Counted(messages * len(STEPS))
    url = "memory://" if kind == "memory" else f"sqlite:///{folder}/bench.db"
    runtime = build([a_service(effects)], bus=open_bus(url, world), store=open_store(url, world), world=world, observer=seen)
    runtime.registry.add(Topic(COMPLETE, "log"))
    await runtime.store.open()
    await runtime.bus.ensure(runtime.registry)
    sent = [(slip.onward(envelope), codec.encode(envelope)) for envelope in (message(number) for number in range(messages))]
    await asyncio.gather(*(runtime.bus.publish(one.topic, Message(one.wire_id, data)) for one, data in sent))
    began = time.perf_counter()
    await runtime.start()
    await seen.done.wait()
    rate = messages * len(STEPS) / (time.perf_counter() - began)
    await runtime.stop()
    return rate


def law(messages: int) -> float:
    """Hops a second of decode, advance and encode."""
    data, now = codec.encode(message(0)), RealWorld().now()
    began = time.perf_counter()
    for _ in range(messages * len(STEPS)):
        codec.encode(slip.advance(codec.decode(data), Next(), now=now, retry_in=0).envelope)
    return messages * len(STEPS) / (time.perf_counter() - began)


def one(kind: str, messages: int) -> float:
    """One run in this process, on the loop that ``bitbrat run`` uses."""
    if kind == "law":
        return law(messages)
    import uvloop

    place, _, effects = kind.partition(" ")
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        known: Any = effects
        return runner.run(hops(place, known, messages, folder))


def in_a_process(kind: str, messages: int) -> float:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", kind, "--messages", str(messages)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=KINDS, help="one run in this process, only the rate is printed")
    given = parser.parse_args()
    if given.one:
        print(one(given.one, given.messages))
        return
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(given.rounds):
        for kind, so_far in rates.items():
            so_far.append(in_a_process(kind, given.messages))
    print(f"{given.messages} messages of 1 kB through 3 steps, {given.rounds} rounds in turn, hops a second")
    for kind, measured in rates.items():
        rate = statistics.median(measured)
        print(f"  {kind:22} median {rate:8.0f}   {1e6 / rate:8.1f} us a hop   from {min(measured):8.0f} to {max(measured):8.0f}")


if __name__ == "__main__":
    main()
