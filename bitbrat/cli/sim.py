"""``bitbrat sim``: the platform on a virtual clock, with faults from a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bitbrat.cli.output import print_json
from bitbrat.errors import BitBratError

if TYPE_CHECKING:
    from bitbrat.sim.scenario import Plan
    from bitbrat.sim.sweep import Summary


def _range(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """``A:B``."""
    if value is None:
        return None
    first, colon, last = value.partition(":")
    if not colon or not first.isdecimal() or not last.isdecimal() or int(first) >= int(last):
        raise click.BadParameter("write it as 0:200")
    return int(first), int(last)


@click.command()
@click.option("--seeds", callback=_range, metavar="A:B", help="Run the seeds from A up to B.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Run one seed.")
@click.option("--shrink", "shrunk", type=click.IntRange(0), metavar="N", help="Find the fewest faults with which seed N fails.")
@click.option("--plant", metavar="NAME", help="Plant a known bug and find it; `all` for every one. Fails when it is not found.")
@click.option("--retention", type=click.Choice(["workqueue", "limits"]), default="workqueue", show_default=True, help="How the bus keeps.")
@click.option("--trace", is_flag=True, help="With --seed: print all that happened.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sim(seeds: Any, seed: int | None, shrunk: int | None, plant: str | None, retention: Any, trace: bool, as_json: bool) -> int:
    """Run the real services through kills, crashes and lost answers, and check what became of every event.

    The same seed is the same history. Exits 1 when a promise is broken.
    """
    from bitbrat.sim.scenario import Plan

    plan = Plan(retention=retention)
    if sum(one is not None for one in (seeds, seed, shrunk, plant)) != 1:
        raise click.UsageError("give one of --seeds, --seed, --shrink and --plant")
    if plant is not None:
        answer = _plant(plant)
    elif shrunk is not None:
        answer = _shrink(shrunk, plan)
    elif seed is not None:
        answer = _one(seed, plan, trace=trace)
    else:
        answer = _many(seeds, plan)
    if as_json:
        print_json(answer.data)
    else:
        click.echo("\n".join(answer.lines))
    return answer.code


class Answer(NamedTuple):
    """What is printed for people, for programs, and the exit code."""

    code: int
    lines: list[str]
    data: dict[str, Any]


def _many(seeds: tuple[int, int], plan: Plan) -> Answer:
    from bitbrat.sim.sweep import ENOUGH, sweep

    summary = sweep(*seeds, plan)
    lines = [f"seed {one.seed}: {one.violations[0][0]}: {one.violations[0][1]}" for one in summary.bad]
    lines += _sum_up(summary, plan)
    if summary.unreached:
        must = "a failure" if summary.seeds >= ENOUGH else f"of no meaning in fewer than {ENOUGH} seeds"
        lines.append(f"never reached ({must}): {', '.join(summary.unreached)}")
    if summary.bad:
        lines += _shrink(summary.bad[0].seed, plan).lines
    data = {
        "seeds": summary.seeds,
        "retention": plan.retention,
        "events": summary.events,
        "faults": summary.faults,
        "broken": [{"seed": one.seed, "violations": one.violations} for one in summary.bad],
        "reached": dict(summary.reached),
        "unreached": summary.unreached,
    }
    return Answer(int(summary.failed), lines, data)


def _sum_up(summary: Summary, plan: Plan) -> list[str]:
    first = (
        f"{summary.seeds} seeds on {plan.retention}: {len(summary.bad)} broke a promise; "
        f"{summary.events // summary.seeds} events and {summary.faults // summary.seeds} faults a seed"
    )
    return [first, *(f"  {count:>8}  {name}" for name, count in sorted(summary.reached.items()))]


def _one(seed: int, plan: Plan, *, trace: bool) -> Answer:
    from bitbrat.sim.scenario import simulate

    report = simulate(seed, plan, keep=trace)
    broken = f"{len(report.violations)} broken promises" if report.violations else "no promise is broken"
    lines = [*report.lines, *(f"{kind}: {message}" for kind, message in report.violations)]
    lines.append(
        f"seed {seed} on {plan.retention}: {report.events} events, {len(report.fired)} faults, {broken}; trace {report.trace[:16]}"
    )
    data = {"seed": seed, "retention": plan.retention, "violations": report.violations, "faults": report.fired, "events": report.events}
    return Answer(int(bool(report.violations)), lines, {**data, "trace": report.trace, "lines": report.lines})


def _shrink(seed: int, plan: Plan) -> Answer:
    from bitbrat.sim.scenario import simulate
    from bitbrat.sim.shrink import shrink

    report = simulate(seed, plan)
    if not report.violations:
        line = f"seed {seed} on {plan.retention}: no promise is broken, there is nothing to shrink"
        return Answer(0, [line], {"seed": seed, "retention": plan.retention, "violations": []})
    least = shrink(report, plan)
    replay = f"bitbrat sim --seed {seed} --retention {plan.retention} --trace"
    lines = [
        f"seed {seed}: {report.violations[0][0]}: {report.violations[0][1]}",
        f"  {least.violation[0]} with {len(least.only)} of {len(report.fired)} faults, {least.plan.events} events, in {least.runs} runs:",
        f"  {', '.join(f'{name} #{number}' for name, number in least.only) or 'no fault at all'}",
        f"  replay: {replay}",
    ]
    data = {"seed": seed, "retention": plan.retention, "violations": report.violations, "faults": least.only, "replay": replay}
    return Answer(1, lines, {**data, "events": least.plan.events, "runs": least.runs})


def _plant(name: str) -> Answer:
    from bitbrat.sim.plants import PLANTS
    from bitbrat.sim.sweep import MOST_SEEDS, find_all

    if name != "all" and name not in PLANTS:
        raise BitBratError("cli.usage", f"there is no planted bug {name!r}", fix=f"one of: all, {', '.join(PLANTS)}")
    lines: list[str] = []
    data: dict[str, Any] = {}
    for one, found in find_all(list(PLANTS) if name == "all" else [name]):
        if found is None:
            lines.append(f"{one:<24} NOT FOUND in {MOST_SEEDS} seeds")
            data[one] = None
            continue
        seed, report, plan = found
        kind, message = next(violation for violation in report.violations if violation[0] in PLANTS[one].found)
        lines.append(f"{one:<24} seed {seed:>3} on {plan.retention:<9} {kind}: {message}")
        data[one] = {"seed": seed, "retention": plan.retention, "violation": kind}
    return Answer(int(None in data.values()), lines, data)
