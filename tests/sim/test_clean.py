"""The product as it is: no history of any seed breaks a promise. A budget is a number of seeds, never of seconds."""

from __future__ import annotations

import pytest

from bitbrat.sim.broker import Retention
from bitbrat.sim.scenario import Plan, simulate

SEEDS = 200
CHUNK = 25


@pytest.mark.parametrize("retention", ["workqueue", "limits"])
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_seed_breaks_a_promise(first: int, retention: Retention) -> None:
    """Kills, crashes, lost answers, jumping clocks and bad bytes: what was accepted ends once, and takes effect once."""
    found = {
        seed: report.violations for seed in range(first, first + CHUNK) if (report := simulate(seed, Plan(retention=retention))).violations
    }

    assert found == {}
