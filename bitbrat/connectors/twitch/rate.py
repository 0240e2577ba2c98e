"""How often we may speak, join and log in: sliding windows, and the wait before the next try.

Pure: the time comes in as an argument (seconds on any clock that never goes back), nothing sleeps here. The windows slide because
the moment at which Twitch refills its own buckets is unknown.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


class SlidingWindow:
    """At most ``limit`` takings in any ``seconds``."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._times: deque[float] = deque(maxlen=limit)

    def wait(self, now: float, *, limit: int | None = None) -> float:
        """Seconds until one more fits; 0.0 means now. A smaller ``limit`` looks at the same takings more strictly."""
        limit = limit or self.limit
        if len(self._times) < limit:
            return 0.0
        return max(0.0, self._times[-limit] + self.seconds - now)

    def take(self, now: float) -> None:
        """Count one. Ask :meth:`wait` first; nothing is refused here."""
        self._times.append(now)


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How many messages one account may send, with a margin under Twitch's own figures (20 and 100 in 30 s)."""

    normal: int = 20
    """Messages in the window before one to a channel where we are a plain viewer."""
    privileged: int = 100
    """The same where we are moderator, VIP or broadcaster."""
    seconds: float = 32.0
    pace: float = 1.2
    """Seconds between two messages to one channel where we are a plain viewer."""


class SendBudget:
    """One counter for all channels of an account; the class of each message only chooses which limit it is held to.

    So a message to a channel where we are a viewer waits until fewer than 20 were sent *anywhere*, moderated channels included.
    """

    def __init__(self, limits: SendLimits) -> None:
        self._limits = limits
        self._window = SlidingWindow(max(limits.normal, limits.privileged), limits.seconds)
        self._last: dict[str, float] = {}

    def wait(self, privileged: bool, now: float) -> float:
        """Seconds until the account's window has room for a message of this class."""
        limits = self._limits
        return self._window.wait(now, limit=limits.privileged if privileged else limits.normal)

    def pause(self, channel: str, privileged: bool, now: float) -> float:
        """Seconds until the channel itself has had its rest; none is needed where we are privileged."""
        if privileged or channel not in self._last:
            return 0.0
        return max(0.0, self._last[channel] + self._limits.pace - now)

    def take(self, channel: str, now: float) -> None:
        """Count a message that is about to be written."""
        self._window.take(now)
        self._last[channel] = now


def full_jitter(attempt: int, *, base: float, cap: float, random: float) -> float:
    """Seconds to wait before the next try: anywhere between 0 and ``base`` · 2^attempt, at most ``cap``.

    ``attempt`` counts from 0, ``random`` is in [0, 1). Spread over the whole range, so that a thousand clients that lost the
    same server do not come back together.
    """
    return random * min(cap, base * 2.0 ** min(attempt, 30))
