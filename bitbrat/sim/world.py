"""The simulated world: one clock, one source of chance, one log whose hash is the history's fingerprint."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from bitbrat.sim.faults import Faults
from bitbrat.world import uuid7

BEGIN = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NAMES = (
    "inbox conflict path",
    "stored outbox sent after a crash",
    "relay re-sent",
    "lease lost and result discarded",
    "stale attempt acked without running",
    "early retry put back",
    "crash guard fired",
    "intent found unknown",
    "duplicate publish seen",
    "broker crash returned an acked message",
    "commit answer lost",
    "final duplicate counted",
    "reroute",
    "deadline skip",
    "drain with work in hand",
)
"""What a range of seeds must have reached, each at least once, or it has not tested what it says."""


class Chronicle:
    """What happened, as a running hash; with ``keep``, as lines too."""

    def __init__(self, *, keep: bool = False) -> None:
        self.lines: list[str] = []
        self.count = 0
        self.reached: Counter[str] = Counter()
        self.violations: list[tuple[str, str]] = []
        self._keep = keep
        self._hash = hashlib.sha256()

    def note(self, at: float, *what: object) -> None:
        """Something happened at ``at`` seconds."""
        line = f"{at:.6f} {' '.join(map(str, what))}"
        self.count += 1
        self._hash.update(line.encode())
        if self._keep:
            self.lines.append(line)

    def digest(self) -> str:
        """The fingerprint of everything so far."""
        return self._hash.hexdigest()


class SimWorld:
    """A :class:`bitbrat.world.World` on the loop's virtual clock. ``skew``: how far this process's wall clock is off, in seconds."""

    def __init__(self, seed: int, faults: Faults, chronicle: Chronicle, *, name: str = "world", lag: bool = True) -> None:
        self.seed = seed
        self.faults = faults
        self.chronicle = chronicle
        self.skew = 0.0
        self.lag = lag
        self._chance = random.Random(f"{seed}:{name}")

    def view(self, name: str, *, skew: float = 0.0) -> SimWorld:
        """The world as the process ``name`` sees it: a wall clock and chance of its own."""
        view = SimWorld(self.seed, self.faults, self.chronicle, name=name)
        view.skew = skew
        return view

    def monotonic(self) -> float:
        """The virtual clock."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The wall clock of this process."""
        return BEGIN + timedelta(seconds=self.monotonic() + self.skew)

    def random(self) -> float:
        """From the seed."""
        return self._chance.random()

    def token(self, size: int = 16) -> str:
        """From the seed."""
        return self._chance.randbytes(size).hex()

    def new_id(self) -> str:
        """From the virtual clock and the seed."""
        return uuid7(int(self.now().timestamp() * 1000), self._chance.randbytes(10))

    async def io(self, most: float = 0.02) -> None:
        """Something between here and there takes its time."""
        if self.lag:
            slow = self.faults.hit("slow_io")
            await asyncio.sleep(3.0 if slow else 0.001 + self._chance.random() * most)

    def note(self, *what: object) -> None:
        """Write it down."""
        self.chronicle.note(self.monotonic(), *what)

    def sometimes(self, name: str) -> None:
        """It came to this."""
        self.chronicle.reached[name] += 1

    def always(self, condition: bool, name: str, message: str) -> None:
        """A violation of ``name`` unless ``condition``."""
        if not condition:
            self.chronicle.violations.append((name, message))
            self.note("VIOLATION", name, message)
