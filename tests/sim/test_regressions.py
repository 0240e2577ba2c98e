"""What the simulation has found stays found: every seed that once broke a promise, with its faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bitbrat.sim.scenario import Plan, simulate

FOUND: list[dict[str, Any]] = json.loads((Path(__file__).parent / "regressions.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("one", FOUND, ids=lambda one: f"{one['seed']}-{one['retention']}-{'all' if one['only'] is None else 'least'}")
def test_a_seed_that_broke_a_promise_keeps_it_now(one: dict[str, Any]) -> None:
    """Each entry says what it broke, and why."""
    only = None if one["only"] is None else [(name, number) for name, number in one["only"]]

    assert simulate(one["seed"], Plan(retention=one["retention"]), only=only).violations == ()
