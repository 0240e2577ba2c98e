"""How many messages a consumer asks the server for, and what became of the last time it asked."""

from __future__ import annotations

from dataclasses import dataclass

EXPIRES = 30.0
"""Seconds after which the server forgets that we wait, and we ask again."""

HEARTBEAT = 5.0
"""Seconds between the server's signs of life while we wait."""

LIVE = 2.5 * HEARTBEAT


@dataclass
class Pull:
    """The one request that is open: its number, how many messages it may still bring, until when it is believed in."""

    number: int = 0
    left: int = 0
    until: float = 0.0

    def body(self) -> dict[str, int]:
        """What is sent."""
        return {"batch": self.left, "expires": round(EXPIRES * 1e9), "idle_heartbeat": round(HEARTBEAT * 1e9)}

    def begin(self, size: int, now: float) -> None:
        """A new one, for ``size`` messages."""
        self.number += 1
        self.left = size
        self.until = now + LIVE

    def brought(self, now: float) -> None:
        """A message came."""
        self.left = max(self.left - 1, 0)
        self.alive(now)

    def alive(self, now: float) -> None:
        """The server is there, and knows that we wait."""
        self.until = now + LIVE


class Window:
    """How many to ask for at once. What is taken and not handed out counts as handed out here, so it begins with one and grows.

    It is small again after every pause: who waits for single messages takes single messages.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._run = 0

    def handed(self) -> None:
        """One more without a pause."""
        self._run += 1

    def paused(self) -> None:
        """There was nothing."""
        self._run = 0

    @property
    def size(self) -> int:
        """How many may be asked for now."""
        return max(1, min(self._run // 4, self._limit))
