"""An SQLite bus that is killed again and again in the middle of its work loses nothing that it promised to keep."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from bitbrat.adapters.sqlite_bus import SqliteBus
from bitbrat.bus import Message
from bitbrat.topics import Topic
from bitbrat.world import RealWorld

ROOT = Path(__file__).resolve().parents[2]
COUNT = 5_000
SEED = 20_260_131

_CHILD = '''
"""Publish 5,000 messages and consume what is there, side by side; say on stdout what is certain."""
import asyncio, os, sys
from bitbrat.adapters.sqlite_bus import SqliteBus
from bitbrat.bus import Message
from bitbrat.topics import Topic
from bitbrat.world import RealWorld

async def main(path, first, last):
    bus = SqliteBus(path, RealWorld())
    await bus.ensure([Topic("internal.step.v1", "step", ("step",)), Topic("internal.log.v1", "log", ("log",))])
    numbers = iter(range(first, last))

    async def publish():
        for n in numbers:
            for topic in ("step", "log"):
                await bus.publish(f"internal.{topic}.v1", Message(f"n{n}", b"%d" % n))
                os.write(1, f"stored-{topic} {n}\\n".encode())

    async def consume(topic):
        async for delivery in bus.consume(f"internal.{topic}.v1", topic, max_in_flight=8):
            if int(delivery.data) % 7 == 0 and delivery.deliveries == 1:
                await delivery.nak(delay=0.01)
                continue
            os.write(1, f"acking-{topic} {int(delivery.data)}\\n".encode())
            await delivery.ack()
            os.write(1, f"acked-{topic} {int(delivery.data)}\\n".encode())

    os.write(1, b"ready\\n")
    consumers = [asyncio.create_task(consume(topic)) for topic in ("step", "log") for _ in range(8)]
    await asyncio.gather(*(publish() for _ in range(32)))
    os.write(1, b"published\\n")
    await asyncio.sleep(3600)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
'''


class Promises:
    """What the killed processes said, by topic and number: what was stored for certain, being acked, and acked for certain."""

    def __init__(self) -> None:
        self.stored: dict[str, set[int]] = {"step": set(), "log": set()}
        self.acking: dict[str, set[int]] = {"step": set(), "log": set()}
        self.acked: dict[str, set[int]] = {"step": set(), "log": set()}

    def hear(self, lines: list[bytes]) -> None:
        """Take in whole lines."""
        for line in lines:
            word, _, number = line.decode().strip().partition(" ")
            kind, _, topic = word.partition("-")
            if topic and line.endswith(b"\n"):
                getattr(self, kind)[topic].add(int(number))

    @property
    def next_number(self) -> int:
        """The first that may be missing: those behind it are published again, as after any lost answer."""
        return min(set(range(COUNT + 1)) - (self.stored["step"] & self.stored["log"]))


async def _run_and_kill(path: Path, promises: Promises, lines: int) -> None:
    """Let a process work until it has said so many lines, and kill it; it may still say what it had promised by then."""
    command = [sys.executable, "-c", _CHILD, str(path), str(promises.next_number), str(COUNT)]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    heard: list[bytes] = []
    while len(heard) < lines and heard[-1:] != [b"published\n"]:
        heard.append(await child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    rest = await child.stdout.read()
    await child.wait()
    promises.hear([*heard, *rest.splitlines(keepends=True)])


async def _publish_the_rest(bus: SqliteBus, promises: Promises) -> None:

    for topic in ("step", "log"):
        numbers = range(promises.next_number, COUNT)
        await bus.publish_many([(f"internal.{topic}.v1", Message(f"n{n}", b"%d" % n)) for n in numbers])
        promises.stored[topic].update(numbers)


async def _remaining(bus: SqliteBus, topic: str) -> list[int]:
    """Everything that the group has still to do. Nothing is held for longer than the naks of the child."""
    left: list[int] = []
    messages = bus.consume(f"internal.{topic}.v1", topic, max_in_flight=2 * COUNT)
    try:
        while True:
            delivery = await asyncio.wait_for(anext(messages), 1.0)
            left.append(int(delivery.data))
    except TimeoutError:
        return left


async def test_no_message_of_five_thousand_is_lost_by_kills(tmp_path: Path) -> None:
    """Whatever was stored and not being acked is still there, and whatever was acked stays gone, after each of several kills."""
    rolls = random.Random(SEED)
    promises = Promises()
    path = tmp_path / "bus.db"

    for _ in range(5):
        await _run_and_kill(path, promises, rolls.randrange(200, 2_500))
    bus = SqliteBus(path, RealWorld())
    await _publish_the_rest(bus, promises)
    remaining = {topic: await _remaining(bus, topic) for topic in ("step", "log")}
    await bus.close()

    for topic in ("step", "log"):
        assert promises.stored[topic] == set(range(COUNT))
        assert promises.stored[topic] - promises.acking[topic] <= set(remaining[topic])
        assert not promises.acked[topic] & set(remaining[topic])
        assert len(remaining[topic]) == len(set(remaining[topic]))


async def test_a_second_process_is_told_who_owns_the_file(tmp_path: Path) -> None:
    """It ends with the code and the process id of the owner, and the owner works on."""
    path = tmp_path / "bus.db"
    bus = SqliteBus(path, RealWorld())
    other = f"from bitbrat.adapters.sqlite_bus import SqliteBus\nfrom bitbrat.world import RealWorld\nSqliteBus({str(path)!r}, RealWorld())"

    child = await asyncio.create_subprocess_exec(sys.executable, "-c", other, stderr=asyncio.subprocess.PIPE, cwd=ROOT)
    _, said = await child.communicate()
    healthy = await bus.healthy()
    await bus.close()

    assert child.returncode != 0
    assert b"bus.in_use" in said
    assert str(os.getpid()).encode() in said
    assert healthy


async def test_a_killed_owner_leaves_the_file_free(tmp_path: Path) -> None:
    """No lock has to be removed by hand."""
    await _run_and_kill(tmp_path / "bus.db", Promises(), 1)

    bus = SqliteBus(tmp_path / "bus.db", RealWorld())
    healthy = await bus.healthy()
    await bus.close()

    assert healthy


_CRASHES = """
import asyncio, os, signal, sys
from bitbrat.adapters.sqlite_bus import SqliteBus
from bitbrat.world import RealWorld

async def main(path):
    bus = SqliteBus(path, RealWorld())
    async for delivery in bus.consume("internal.step.v1", "step", max_in_flight=1):
        os.write(1, str(delivery.deliveries).encode())
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(sys.argv[1]))
"""


async def test_a_message_that_kills_its_process_each_time_is_counted(tmp_path: Path) -> None:
    """Without a store the count of deliveries is the only guard against a crash loop, so it outlives the kills."""

    bus = SqliteBus(tmp_path / "bus.db", RealWorld())
    await bus.ensure([Topic("internal.step.v1", "step", ("step",))])
    await bus.publish("internal.step.v1", Message("poison", b"x"))
    await bus.close()

    counts = []
    for _ in range(4):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CRASHES, str(tmp_path / "bus.db"), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        said, _ = await child.communicate()
        counts.append(int(said))

    assert counts == [1, 2, 3, 4]
