"""The budgets hold for any pattern of wishes, by Twitch's way of counting."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.connectors.twitch.rate import SendBudget, SendLimits, SlidingWindow, full_jitter

wishes = st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["one", "two", "mine"])), min_size=1, max_size=150)


@settings(max_examples=150)
@given(wishes)
def test_no_pattern_of_wishes_gets_over_twitchs_limits(pattern: list[tuple[float, str]]) -> None:
    """A viewer's message has fewer than 20 before it in 30 s, anywhere; a moderator's fewer than 100; a channel's pace is kept."""
    sent = obey(SendBudget(SendLimits()), pattern)

    for now, channel in sent:
        before = [at for at, _ in sent if now - 30 < at < now]
        assert len(before) < (100 if channel == "mine" else 20)
    assert min(gaps(sent, "one") + gaps(sent, "two"), default=9.0) >= 1.199


def obey(budget: SendBudget, pattern: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """When each message leaves if every wait is kept; ``mine`` is where we are moderator."""
    now, sent = 0.0, []
    for pause, channel in pattern:
        now += pause / 10
        while wait := max(budget.wait(channel == "mine", now), budget.pause(channel, channel == "mine", now)):
            now += wait + 1e-9
        budget.take(channel, now)
        sent.append((now, channel))
    return sent


def gaps(sent: list[tuple[float, str]], channel: str) -> list[float]:
    """Seconds between the messages of a channel."""
    times = [at for at, where in sent if where == channel]
    return [after - before for before, after in itertools.pairwise(times)]


@settings(max_examples=100)
@given(st.integers(1, 20), st.floats(0.1, 60), st.lists(st.floats(0, 10), max_size=80))
def test_a_window_never_holds_more_than_its_limit(limit: int, seconds: float, pauses: list[float]) -> None:
    """Whenever one is taken after the wait, fewer than ``limit`` lie within ``seconds`` before it."""
    window, now, taken = SlidingWindow(limit, seconds), 0.0, []
    for pause in pauses:
        now += pause
        while wait := window.wait(now):
            now += wait + 1e-9
        window.take(now)
        assert sum(now - seconds < at for at in taken) < limit
        taken.append(now)


def test_a_window_is_open_again_when_the_oldest_has_left_it() -> None:
    """And not a moment before."""
    window = SlidingWindow(2, 10)
    window.take(0)
    window.take(4)

    assert [window.wait(4), window.wait(9.5), window.wait(10)] == [6, 0.5, 0]


@pytest.mark.parametrize(("attempt", "most"), [(0, 1), (1, 2), (3, 8), (6, 60), (10_000, 60)])
def test_the_back_off_doubles_up_to_its_cap_and_uses_the_whole_range(attempt: int, most: float) -> None:
    """From nothing to the whole, by the randomness."""
    waits = [full_jitter(attempt, base=1, cap=60, random=chance) for chance in (0.0, 0.5, 1.0)]

    assert waits == [0, most / 2, most]
