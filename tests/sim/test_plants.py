"""A checker that never fires and one that always fires look alike: each planted bug is found, as what it is, within a few seeds."""

from __future__ import annotations

import pytest

from bitbrat.sim.plants import PLANTS
from bitbrat.sim.sweep import find

SEEDS = 100


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    """The first seed that breaks the promise that this bug breaks."""
    assert find(name, most=SEEDS) is not None
