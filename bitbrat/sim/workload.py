"""What comes in: events with a plan of what their steps will do, from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from bitbrat.sim.faults import Faults
from bitbrat.sim.steps import KINDS

ACTS = ("ok",) * 12 + ("reply", "reply", "skip", "handled", "handled", "fail", "retry", "retry", "revise", "emit")
RARE = ("poison", "segv")
BUSY = ("note", "pure", "tx", "tx", "long", "idem", "once")
CONNECTIONS = ("a", "b")


@dataclass(frozen=True)
class Event:
    """One event of the source: its own id, its type, what it says, when (s), through which connection, how often."""

    id: str
    type: str
    payload: dict[str, Any]
    at: float
    connection: str
    times: int = 1


def events(seed: int, count: int, over: float, faults: Faults) -> list[Event]:
    """``count`` events within ``over`` seconds."""
    chance = random.Random(f"{seed}:events")
    return [_event(number, chance, over, faults) for number in range(count)]


def _event(number: int, chance: random.Random, over: float, faults: Faults) -> Event:
    kind = chance.random()
    at, connection = chance.random() * over, chance.choice(CONNECTIONS)
    name = "hurried" if kind < 0.06 else "rerouted" if kind < 0.16 else "planned"
    slip = [chance.choice(BUSY) for _ in range(chance.randint(1, 3))]
    if kind > 0.97:
        slip = ["nowhere"]
    elif kind > 0.95:
        slip = ["note"] * 33
    first = 1 if name == "planned" else 0
    acts = {str(first + place): chance.choice(RARE) if chance.random() < 0.015 else chance.choice(ACTS) for place in range(4)}
    doubled = faults.hit("event_doubled")
    return Event(f"n{number}", f"external.sim.{name}.v1", {"slip": slip, "acts": acts, "n": number}, at, connection, 2 if doubled else 1)


def garbage(number: int) -> bytes:
    """Bytes that are no envelope."""
    return (b"", b"\x00\xff\xfe", b"{", b"[]", b'{"v":"1"}', b"null", b'{"id":"x","v":"1","routingSlip":[]}')[number % 7] + b" " * (
        number // 7
    )


assert all(name in KINDS for name in BUSY)  # noqa: S101 - the plan names steps that exist
