"""``bitbrat sim``: what it prints, and how it ends."""

from __future__ import annotations

from click.testing import CliRunner, Result

from bitbrat.cli.sim import sim


def call(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(sim, arguments, standalone_mode=False)


def test_a_seed_tells_what_came_of_it() -> None:
    """Events, faults, and the fingerprint."""
    told = call("--seed", "3")

    assert told.return_value == 0
    assert "no promise is broken; trace" in told.output


def test_the_trace_is_every_line() -> None:
    """From the first process to the last ack."""
    told = call("--seed", "3", "--trace")

    assert told.output.splitlines()[0] == "0.000000 up core-0.1"
    assert " ack internal.complete.v1 " in told.output


def test_a_planted_bug_is_told_with_its_seed() -> None:
    """As the promise that it breaks."""
    told = call("--plant", "ack_first")

    assert told.return_value == 0
    assert told.output.startswith("ack_first                seed ")
    assert " LOST: " in told.output


def test_one_thing_at_a_time() -> None:
    """Without a question, or with two, there is no answer."""
    assert type(call().exception).__name__ == "UsageError"
    assert type(call("--seed", "1", "--shrink", "2").exception).__name__ == "UsageError"


def test_a_range_needs_two_ends() -> None:
    """Anything else is refused before anything runs."""
    assert type(call("--seeds", "200").exception).__name__ == "BadParameter"
    assert type(call("--seeds", "9:3").exception).__name__ == "BadParameter"


def test_a_few_seeds_are_summed_up() -> None:
    """How many, how they ended, what was reached."""
    told = call("--seeds", "0:4")

    assert told.return_value == 0
    assert told.output.startswith("4 seeds on workqueue: 0 broke a promise; ")
