"""From a failing seed to the few faults that it takes: delta debugging over the occurrences that fired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bitbrat.sim.faults import Occurrence
from bitbrat.sim.scenario import Plan, Report, simulate

MOST_RUNS = 400


@dataclass(frozen=True)
class Shrunk:
    """The smallest history that was found: its plan, its faults, what it violates, and how many runs it took to find it."""

    plan: Plan
    only: tuple[Occurrence, ...]
    violation: tuple[str, str]
    runs: int


def shrink(report: Report, plan: Plan) -> Shrunk:
    """The fewest faults, and then the fewest events, with which the seed of ``report`` still breaks the same promise."""
    kind = report.violations[0][0]
    runs = 0

    def fails(trial: Plan, faults: Sequence[Occurrence]) -> bool:
        nonlocal runs
        runs += 1
        return runs <= MOST_RUNS and any(name == kind for name, _ in simulate(report.seed, trial, only=faults).violations)

    least = minimise(list(report.fired), lambda faults: fails(plan, faults))
    smallest = plan
    for count in range(1, plan.events):
        if fails(replace(plan, events=count), least):
            smallest = replace(plan, events=count)
            break
    found = simulate(report.seed, smallest, only=least)
    violation = next((one for one in found.violations if one[0] == kind), report.violations[0])
    return Shrunk(smallest, tuple(least), violation, runs)


def minimise(items: list[Occurrence], fails: Callable[[Sequence[Occurrence]], bool]) -> list[Occurrence]:
    """A part of ``items`` that still ``fails``, of which no element can be left out (ddmin)."""
    if fails(()):
        return []
    parts = 2
    while len(items) > 1:
        size = -(-len(items) // parts)
        chunks = [items[start : start + size] for start in range(0, len(items), size)]
        without = [[one for one in items if one not in chunk] for chunk in chunks]
        smaller = next((trial for trial in (*chunks, *without) if len(trial) < len(items) and fails(trial)), None)
        if smaller is not None:
            items = smaller
            parts = max(2, min(parts - 1, len(items)))
        elif parts >= len(items):
            break
        else:
            parts = min(len(items), parts * 2)
    return items
