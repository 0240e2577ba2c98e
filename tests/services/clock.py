"""A world whose time the test moves by hand; everything else is the real one's."""

from datetime import UTC, datetime, timedelta

from bitbrat.world import RealWorld

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


class SetWorld(RealWorld):
    """Its wall clock stands at ``time``, its dice always show ``chance``."""

    def __init__(self, time: datetime = NOON, chance: float = 0.0) -> None:
        self.time = time
        self.chance = chance

    def now(self) -> datetime:
        """The time that the test has set."""
        return self.time

    def random(self) -> float:
        """The number that the test has set."""
        return self.chance

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.time += timedelta(seconds=seconds)
