"""A failing history becomes a short list of faults, and the list alone replays the failure."""

from __future__ import annotations

from bitbrat.sim.scenario import Plan, simulate
from bitbrat.sim.shrink import minimise, shrink


def test_the_smallest_part_that_fails_is_kept() -> None:
    """Two of twenty faults are needed together: those two remain."""
    faults = [("kill", number) for number in range(20)]

    least = minimise(faults, lambda some: ("kill", 3) in some and ("kill", 17) in some)

    assert least == [("kill", 3), ("kill", 17)]


def test_what_needs_no_fault_shrinks_to_none() -> None:
    """A plain mistake is told from a rare one."""
    assert minimise([("kill", 1), ("pause", 2)], lambda _: True) == []


def test_a_planted_bug_shrinks_to_a_few_faults_that_replay_it() -> None:
    """What is printed can be run again."""
    plan = Plan(plant="mark_sent_first")
    report = simulate(0, plan)

    least = shrink(report, plan)

    assert len(least.only) <= 3
    assert least.violation in simulate(0, least.plan, only=least.only).violations
