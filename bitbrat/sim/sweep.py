"""Many seeds, on all cores: what was found, and what was reached."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from bitbrat.sim.plants import PLANTS
from bitbrat.sim.scenario import Plan, Report, simulate
from bitbrat.sim.world import NAMES

ENOUGH = 100
"""Seeds after which everything that may happen must have happened once."""
MOST_SEEDS = 200
"""Seeds within which every planted bug must be found."""


@dataclass
class Summary:
    """What came of a range of seeds. ``bad``: the reports with a violation."""

    seeds: int = 0
    events: int = 0
    faults: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    bad: list[Report] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """One more."""
        self.seeds += 1
        self.events += report.events
        self.faults += len(report.fired)
        self.reached.update(report.reached)
        if report.violations:
            self.bad.append(report)

    @property
    def unreached(self) -> list[str]:
        """What should have happened, and did not."""
        return [name for name in NAMES if not self.reached[name]]

    @property
    def failed(self) -> bool:
        """Whether a promise was broken, or too little was tested to say so."""
        return bool(self.bad) or (self.seeds >= ENOUGH and bool(self.unreached))


def sweep(first: int, last: int, plan: Plan, *, told: Callable[[Report], None] = lambda _: None) -> Summary:
    """The seeds from ``first`` up to ``last``; ``told`` hears of each in order."""
    summary = Summary()
    with _many() as many:
        for report in many.map(partial(simulate, plan=plan), range(first, last), chunksize=5):
            summary.add(report)
            told(report)
    return summary


def find(name: str, *, most: int = MOST_SEEDS) -> tuple[int, Report, Plan] | None:
    """The first seed at which the planted bug ``name`` is found as what it is; seeds with odd numbers run on Limits."""
    for seed in range(most):
        report, plan = _planted(name, seed)
        if any(kind in PLANTS[name].found for kind, _ in report.violations):
            return seed, report, plan
    return None


def find_all(names: list[str]) -> Iterator[tuple[str, tuple[int, Report, Plan] | None]]:
    """Every planted bug with the first seed that finds it."""
    with _many() as many:
        yield from zip(names, many.map(find, names), strict=True)


def _planted(name: str, seed: int) -> tuple[Report, Plan]:
    plan = replace(Plan(), plant=name, retention="limits" if seed % 2 else "workqueue")
    return simulate(seed, plan), plan


@contextmanager
def _many() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
