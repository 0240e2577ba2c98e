"""Which faults happen: drawn from the seed, or exactly those of a list."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

Occurrence = tuple[str, int]
"""The n-th time, from 1, that a fault could have happened and did."""

NOMINAL: Mapping[str, float] = {
    # bus, per operation
    "pub_req_lost": 0.03,
    "puback_lost": 0.05,
    "dup_store": 0.01,
    "reorder": 0.2,
    "slow_io": 0.01,
    "short_lease": 0.04,
    "ack_lost": 0.05,
    "nak_lost": 0.02,
    "stream_full": 0.02,
    # store, per commit
    "commit_fail": 0.02,
    "commit_unknown": 0.02,
    "serialization_failure": 0.02,
    "conn_reset": 0.01,
    # handlers, per start
    "segv_in_handler": 0.03,
    "pause_in_handler": 0.02,
    "lease_outlived": 0.1,
    "handler_error": 0.05,
    "handler_fatal": 0.01,
    "handler_hangs": 0.01,
    "handler_slow": 0.03,
    # outside, per call
    "timeout_before": 0.04,
    "timeout_after_effect": 0.04,
    # the world, per tick of 0.2 to 1.2 s
    "kill": 0.4,
    "pause": 0.1,
    "sigterm": 0.25,
    "restart_storm": 0.02,
    "broker_crash": 0.15,
    "leader_gap": 0.05,
    "clock_jump": 0.1,
    # input, per event
    "event_doubled": 0.15,
    "malformed_bytes": 0.2,
}
"""Fault → how likely it is where it may happen."""

SWARM = (0.0, 0.0, 1.0, 1.0, 3.0)
"""Each seed has its own mixture: every probability is multiplied by one of these."""


DISRUPTIVE = frozenset(
    (
        *("slow_io", "short_lease", "nak_lost", "pause", "pause_in_handler", "lease_outlived", "broker_crash"),
        *("commit_fail", "commit_unknown", "serialization_failure", "conn_reset"),
    )
)
"""What may interrupt a run so that its handler starts again."""


class Faults:
    """The switch of every fault. ``only``: exactly these occurrences, whatever the probabilities say."""

    def __init__(self, seed: int, *, only: Iterable[Occurrence] | None = None, nominal: Mapping[str, float] = NOMINAL) -> None:
        self.on = True
        self.fired: list[Occurrence] = []
        self.disruptions: list[float] = []
        self.clock: Callable[[], float] = float
        self._seed = seed
        self._only = None if only is None else set(only)
        swarm = random.Random(f"{seed}:swarm")
        self._likely = {name: value * swarm.choice(SWARM) for name, value in nominal.items()}
        self._chance: dict[str, random.Random] = {}
        self._asked: Counter[str] = Counter()

    def hit(self, name: str) -> bool:
        """Whether ``name`` happens now."""
        if not self.on:
            return False
        self._asked[name] += 1
        occurrence = (name, self._asked[name])
        happens = occurrence in self._only if self._only is not None else self._stream(name).random() < self._likely[name]
        if happens:
            self.fired.append(occurrence)
            if name in DISRUPTIVE:
                self.disruptions.append(self.clock())
        return happens

    def how(self, name: str) -> random.Random:
        """Randomness for how ``name`` happens: its own for each occurrence, so that leaving others out does not change it."""
        return random.Random(f"{self._seed}:{name}:{self._asked[name]}")

    def _stream(self, name: str) -> random.Random:
        """Each fault draws from a stream of its own: the others' histories do not move it."""
        stream = self._chance.get(name)
        if stream is None:
            stream = self._chance[name] = random.Random(f"{self._seed}:{name}")
        return stream


def quiet() -> Faults:
    """No fault ever."""
    faults = Faults(0)
    faults.on = False
    return faults
