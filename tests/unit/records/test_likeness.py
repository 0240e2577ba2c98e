"""Which failures belong together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.records import fingerprint, normalise


@pytest.mark.parametrize(
    ("message", "normal"),
    [
        ("KeyError: 'target 17'", "KeyError: 'target <n>'"),
        ("no user 0198c1aa-0000-7000-8000-0123456789ab", "no user <id>"),
        ("trace 0af7651916cd43dd8448eb211c80319c lost", "trace <id> lost"),
        ("KeyError: 'x'  quest/steps.py:31", "KeyError: 'x' quest/steps.py"),
        ("took 2.5 s\n  of 30", "took <n>.<n> s of <n>"),
        ("facade and decade are words", "facade and decade are words"),
    ],
)
def test_ids_numbers_and_line_numbers_do_not_tell_failures_apart(message, normal):
    """What differs from one occurrence to the next is taken out."""
    assert normalise(message) == normal


@given(st.text(max_size=2000))
@settings(max_examples=150)
def test_any_message_has_a_short_normal_form_and_a_fingerprint(message):
    """Whatever a handler raises."""
    assert len(normalise(message)) <= 200
    assert len(fingerprint("s", "c", message)) == 10


def test_step_and_code_tell_failures_apart():
    """The same words of another step are another failure."""
    names = {fingerprint("a", "x.y", "m"), fingerprint("b", "x.y", "m"), fingerprint("a", "x.z", "m"), fingerprint("ax", ".y", "m")}

    assert len(names) == 4
