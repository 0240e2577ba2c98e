"""The law of the inbox: who may execute a hop, and what its row becomes. Pure; every store decides with it.

| the row                          | a claim for attempt *k* answers              | and the row becomes            |
|----------------------------------|----------------------------------------------|--------------------------------|
| none                             | run                                          | running (or intent), the owner's |
| done, or attempt above *k*       | done, stale                                  | untouched                      |
| retry                            | run                                          | running (or intent), the owner's |
| running or intent, lease holds   | running, with the seconds left               | untouched                      |
| running, lease over              | run                                          | running (or intent), the owner's |
| intent, lease over               | unknown                                      | intent, the owner's            |
| to be run, but started too often | crash_loop                                   | running, the owner's           |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bitbrat.store import Claim, ClaimState, Hop

RowState = Literal["running", "intent", "retry", "done"]
ROW_STATES = frozenset(("running", "intent", "retry", "done"))
HELD = frozenset(("running", "intent"))
DECIDED = frozenset(("retry", "done"))


@dataclass(slots=True)
class Row:
    """A hop's row: ``attempt`` is the highest decided one, or the one under way.

    ``lease_until`` is in seconds of the store's lease clock; ``at`` in microseconds since 1970.
    """

    state: RowState
    attempt: int
    starts: int = 0
    owner: str = ""
    lease_until: float = 0.0
    at: int = 0
    digest: str = ""


def judge(row: Row | None, hop: Hop, *, now: float, max_starts: int, counting: int = 1) -> ClaimState:
    """The answer to a claim. ``now`` is in seconds of the lease clock; ``counting`` is 0 for a claim that counts no start."""
    if row is None:
        return "run" if counting <= max_starts else "crash_loop"
    if row.attempt > hop.attempt:
        return "stale"
    if row.state == "done":
        return "done"
    if row.state in HELD and now < row.lease_until:
        return "running"
    if row.state == "intent":
        return "unknown"
    return "run" if row.starts + counting <= max_starts else "crash_loop"


def held_state(answer: ClaimState, *, intent: bool) -> RowState:
    """What the row of a hop becomes that was just taken."""
    if answer == "crash_loop":
        return "running"
    return "intent" if intent or answer == "unknown" else "running"


def running(row: Row, now: float) -> Claim:
    """The answer while somebody else's lease holds."""
    return Claim("running", row.starts, max(0.0, row.lease_until - now))


def counts_start(row: Row | None, hop: Hop) -> bool:
    """Whether a start of ``hop`` is one: what is decided already will not be run, however often it comes."""
    return row is None or (row.state != "done" and row.attempt <= hop.attempt)


def released(row: Row) -> Row | None:
    """The row after its owner gave it back, as if it had not started; None: nothing is left of it."""
    starts = max(0, row.starts - 1)
    if not starts and not row.attempt:
        return None
    return Row("retry", row.attempt, starts, at=row.at, digest=row.digest)
