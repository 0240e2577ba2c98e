"""The law of the inbox, row by row."""

from __future__ import annotations

import pytest

from bitbrat.adapters.inbox import Row, counts_start, held_state, judge, released
from bitbrat.store import Hop

NOW = 100.0
OVER, HOLDS = NOW, NOW + 1

CASES = [
    ("a hop without a row runs", None, 0, "run"),
    ("done is done", Row("done", 0), 0, "done"),
    ("done is done for a later attempt, too", Row("done", 0), 1, "done"),
    ("done above is stale", Row("done", 1), 0, "stale"),
    ("done stays done after too many starts", Row("done", 0, 99), 0, "done"),
    ("a retry runs as its attempt", Row("retry", 1, 1), 1, "run"),
    ("a retry above is stale", Row("retry", 1, 1), 0, "stale"),
    ("a retry that knows less runs", Row("retry", 1, 1), 2, "run"),
    ("a retry started too often is a crash loop", Row("retry", 1, 3), 1, "crash_loop"),
    ("running is running while its lease holds", Row("running", 0, 1, "o", HOLDS), 0, "running"),
    ("running is running whatever its starts", Row("running", 0, 9, "o", HOLDS), 0, "running"),
    ("running above is stale", Row("running", 1, 1, "o", HOLDS), 0, "stale"),
    ("running is taken over when its lease is over", Row("running", 0, 2, "o", OVER), 0, "run"),
    ("running too often is a crash loop", Row("running", 0, 3, "o", OVER), 0, "crash_loop"),
    ("an intent is running while its lease holds", Row("intent", 0, 1, "o", HOLDS), 0, "running"),
    ("an intent whose lease is over is unknown", Row("intent", 0, 1, "o", OVER), 0, "unknown"),
    ("an intent is unknown however often it started", Row("intent", 0, 9, "o", OVER), 0, "unknown"),
]


@pytest.mark.parametrize(("row", "attempt", "answer"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_claim_is_answered(row: Row | None, attempt: int, answer: str) -> None:
    """The table of the law."""
    assert judge(row, Hop("g", "e:0", attempt), now=NOW, max_starts=3) == answer


def test_a_claim_that_counts_no_start_is_judged_by_what_is_counted() -> None:
    """The limit itself still runs."""
    hop = Hop("g", "e:0")

    assert judge(Row("retry", 0, 3), hop, now=NOW, max_starts=3, counting=0) == "run"
    assert judge(Row("retry", 0, 4), hop, now=NOW, max_starts=3, counting=0) == "crash_loop"
    assert judge(None, hop, now=NOW, max_starts=0) == "crash_loop"


def test_what_is_taken_is_running_or_an_intent() -> None:
    """A crash loop makes no call; an unknown one stays unknown."""
    assert held_state("run", intent=False) == "running"
    assert held_state("run", intent=True) == "intent"
    assert held_state("unknown", intent=False) == "intent"
    assert held_state("crash_loop", intent=True) == "running"


def test_giving_back_undoes_one_start() -> None:
    """Nothing is left of a first start; what was decided before stays decided."""
    assert released(Row("running", 0, 1, "o", HOLDS)) is None
    assert released(Row("intent", 0, 2, "o", HOLDS, at=5)) == Row("retry", 0, 1, at=5)
    assert released(Row("running", 1, 1, "o", HOLDS)) == Row("retry", 1, 0)


def test_only_what_may_still_run_counts_starts() -> None:
    """Copies of what is decided come and go uncounted."""
    assert counts_start(None, Hop("g", "e:0"))
    assert counts_start(Row("retry", 1), Hop("g", "e:0", 1))
    assert not counts_start(Row("retry", 1), Hop("g", "e:0"))
    assert not counts_start(Row("done", 0), Hop("g", "e:0"))
