"""One seed is one history: in every process, under every hash seed."""

from __future__ import annotations

import os
import subprocess
import sys

from bitbrat.sim.scenario import simulate

PRINT = "from bitbrat.sim.scenario import simulate; print(simulate(7).trace, simulate(11).trace)"


def traces(hash_seed: int) -> str:
    """The fingerprints of two histories, from a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", PRINT], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    )
    return run.stdout


def test_a_seed_has_the_same_history_under_three_hash_seeds() -> None:
    """Nothing depends on the order of a set, on an address or on a real clock."""
    here = f"{simulate(7).trace} {simulate(11).trace}\n"

    assert [traces(1), traces(2), traces(3)] == [here] * 3


def test_two_seeds_have_two_histories() -> None:
    """The fingerprint tells them apart."""
    assert simulate(1).trace != simulate(2).trace


def test_replaying_the_faults_of_a_seed_replays_its_history() -> None:
    """The list of what went wrong is all that is needed to see it again."""
    before = simulate(5)

    assert simulate(5, only=before.fired).trace == before.trace
