"""How far a group has come on a log topic."""

from __future__ import annotations

from collections.abc import Iterable


class Position:
    """Everything up to ``floor`` is settled, and what is in ``above``. Places are numbered without gaps."""

    def __init__(self, floor: int, above: Iterable[int] = ()) -> None:
        self.floor = floor
        self.above = set(above)

    def settle(self, seq: int) -> None:
        """Settle one place; ``floor`` moves over all that is settled without a gap."""
        if seq > self.floor:
            self.above.add(seq)
        while self.floor + 1 in self.above:
            self.floor += 1
            self.above.discard(self.floor)
