"""The one place for time, ids and randomness.

Everything else takes them from a :class:`World`, so that the simulation can bring its own.
"""

from __future__ import annotations

import os
import random
import time
import uuid
from datetime import UTC, datetime
from typing import Protocol

NAMESPACE = uuid.UUID("8f1c8f0e-6c5a-5d0b-9a51-0b1b6a7f2a10")
"""The namespace of every id that is made from a name. Changing it changes every id; it never changes."""


class World(Protocol):
    """Time, ids and randomness, from outside."""

    def now(self) -> datetime:
        """The wall clock, UTC, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    def random(self) -> float:
        """A number in [0, 1)."""
        ...

    def token(self, size: int = 16) -> str:
        """``size`` random bytes as hex: trace ids, owners, tokens."""
        ...

    def new_id(self) -> str:
        """A UUIDv7: sortable by the time it was made."""
        ...


def named_id(name: str) -> str:
    """The id that always belongs to ``name`` (UUIDv5): the same source event gives the same envelope id, on every replica."""
    return str(uuid.uuid5(NAMESPACE, name))


def uuid7(milliseconds: int, randomness: bytes) -> str:
    """UUID version 7 of a Unix time in milliseconds and 10 random bytes (RFC 9562 §5.7)."""
    raw = bytearray(milliseconds.to_bytes(6, "big") + randomness)
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))


class RealWorld:
    """The operating system's clock and randomness."""

    def now(self) -> datetime:
        """The system's wall clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """The system's monotonic clock, seconds."""
        return time.monotonic()

    def random(self) -> float:
        """Good enough for jitter; not for secrets."""
        return random.random()

    def token(self, size: int = 16) -> str:
        """From the system's secure source."""
        return os.urandom(size).hex()

    def new_id(self) -> str:
        """From the system's clock and secure source."""
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
