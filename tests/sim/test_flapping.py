"""A store that fails half of the time for a while is waited for: nothing that it delayed passes for a message that kills."""

from __future__ import annotations

from bitbrat.sim.faults import NOMINAL, Faults
from bitbrat.sim.loop import run
from bitbrat.sim.scenario import Plan, Scenario
from bitbrat.sim.world import Chronicle
from bitbrat.store import FinalRecord

FLAPPING = {**dict.fromkeys(NOMINAL, 0.0), "serialization_failure": 0.3, "commit_fail": 0.3}


def dead_letters(seed: int) -> list[FinalRecord]:
    """The dead letters of a history in which only the store misbehaves."""

    async def play() -> list[FinalRecord]:
        scenario = Scenario(seed, Plan(), Faults(seed, nominal=FLAPPING), Chronicle())
        report = await scenario.play()
        assert report.violations == ()
        return [record for record in map(scenario.database.tables.ended, scenario.accepted) if record and record.outcome == "dead_lettered"]

    return run(play())


def test_no_platform_service_gives_up_because_the_store_flaps() -> None:
    """Platform services wait, they do not fail."""
    given_up = {seed: found for seed in range(24) if (found := dead_letters(seed))}

    assert given_up == {}
