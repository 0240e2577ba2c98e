"""Cooldowns: how long a rule or command still rests, and what it says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.rules import Cooldown
from bitbrat.rules.resting import Rest, resting, tell

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
USED = {"at": NOON.isoformat()}


@pytest.mark.parametrize(
    ("cooldown", "uses", "mine", "rest"),
    [
        (Cooldown(user=10), {}, {}, None),
        (Cooldown(user=10), {}, USED, Rest(7, False)),
        (Cooldown(everybody=10), USED, {}, Rest(7, True)),
        (Cooldown(user=5, everybody=20), USED, USED, Rest(17, True)),
        (Cooldown(user=20, everybody=5), USED, USED, Rest(17, False)),
        (Cooldown(user=3, everybody=3), USED, USED, None),
        (Cooldown(), USED, USED, None),
        (Cooldown(user=10), {}, {"at": "garbage"}, None),
        (Cooldown(user=10), {}, {"at": None}, None),
    ],
)
def test_the_longer_rest_counts(cooldown, uses, mine, rest):
    """Three seconds after the last use, in whole seconds, rounded up."""
    assert resting(cooldown, uses, mine, NOON + timedelta(seconds=3)) == rest


@given(st.floats(0.001, 1e6), st.floats(-1e6, 1e6))
@settings(max_examples=150)
def test_a_rest_is_never_longer_than_the_cooldown_even_when_the_clock_goes_back(span, after):
    """A clock that jumps an hour does not silence a command for an hour."""
    rest = resting(Cooldown(user=span), {}, USED, NOON + timedelta(seconds=after))

    assert rest is None or 1 <= rest.seconds <= span + 1


def test_once_is_once_for_each_use():
    """It is said again after the next use."""
    cooldown, rest = Cooldown(user=10, reply="once"), Rest(7, False)

    assert tell(cooldown, rest, USED, "Ann") == "Ann, please wait 7 s."
    assert tell(cooldown, rest, {**USED, "told": USED["at"]}, "Ann") == ""
    assert tell(cooldown, rest, {"at": "later", "told": USED["at"]}, "Ann") != ""


def test_silent_says_nothing_and_react_says_it_each_time():
    """The other two policies."""
    assert tell(Cooldown(user=10), Rest(7, False), USED, "Ann") == ""
    assert tell(Cooldown(user=10, reply="react"), Rest(7, False), {**USED, "told": USED["at"]}, "Ann") == "⏳ 7 s"
