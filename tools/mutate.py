"""Change ``bitbrat/slip.py`` in every small way; its tests must notice each change.

    make mutate                       all of them, two at a time
    make mutate ARGS="--list"         only name them
    make mutate ARGS="--only _closed" those whose name contains this

A mutant runs in a process of its own, forked after everything but the law was imported. First the tables of the law; what
survives them meets the Hypothesis tests. A survivor must stand in ``mutate_equivalent.toml`` with the reason why it behaves the
same; any other, and a reason that no survivor needs any more, ends this with 1.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import os
import signal
import sys
import time
import tomllib
import types
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from mutations import Mutation, mutations

ROOT = Path(__file__).resolve().parent.parent
TARGET = "bitbrat.slip"
SOURCE = ROOT / "bitbrat" / "slip.py"
TESTS = ROOT / "tests" / "unit"
EQUIVALENT = ROOT / "tools" / "mutate_equivalent.toml"
BELOW = ("bitbrat.envelope", "bitbrat.errors", "bitbrat.outcome", "bitbrat.topics", "bitbrat.codec", "hypothesis.stateful")
SECONDS = 120
PYTEST = ("-x", "--assert=plain", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore::SyntaxWarning")


def load(tree: ast.Module) -> None:
    """Put ``tree`` in the place of the law, for whoever imports it from now on."""
    module = types.ModuleType(TARGET)
    module.__file__ = str(SOURCE)
    sys.modules[TARGET] = module
    vars(sys.modules["bitbrat"])["slip"] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(tree, str(SOURCE), "exec"), vars(module))


def run(tree: ast.Module, tests: Sequence[str]) -> int:
    """In the child: the exit code of the tests with ``tree`` as the law; 1 too when it does not even import."""
    try:
        load(tree)
        return int(pytest.main([*PYTEST, *tests]))
    except Exception:
        return 1


def fork(work: Callable[[], int], *, silent: bool = True) -> int:
    """Do ``work`` in a child, which a hung mutant does not outlive; the child's process id."""
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(SECONDS)
    if silent:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
    code = 1
    with contextlib.suppress(BaseException):
        code = work()
    os._exit(code)


def survivors(tree: ast.Module, mutants: Sequence[Mutation], tests: Sequence[str], workers: int, title: str) -> list[Mutation]:
    """The mutants that ``tests`` do not notice, with a line for each."""
    running: dict[int, Mutation] = {}
    left: list[Mutation] = []
    waiting = list(reversed(mutants))
    done = 0
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            running[fork(lambda mutant=mutant: run(mutant.apply(tree), tests))] = mutant
        pid, status = os.wait()
        mutant = running.pop(pid)
        done += 1
        alive = status == 0
        left += [mutant] if alive else []
        print(f"{title} {done:>3}/{len(mutants)} {'SURVIVED' if alive else 'killed':<8} line {mutant.line:>3}  {mutant.key}", flush=True)
    return left


def test_files() -> tuple[list[str], list[str]]:
    """The tests of the law: the fast tables, and those that search."""
    files = sorted(TESTS.glob("test_slip*.py"))
    searching = [file for file in files if "hypothesis" in file.read_text(encoding="utf-8")]
    return [str(file) for file in files if file not in searching], [str(file) for file in searching]


def reasons() -> dict[str, str]:
    """Why each listed survivor is equivalent."""
    if not EQUIVALENT.exists():
        return {}
    return {row["mutation"]: row["reason"] for row in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("equivalent", [])}


def report(mutants: Sequence[Mutation], left: Sequence[Mutation], *, whole: bool) -> int:
    """Say what survived and whether that is excused; the exit code."""
    excused = reasons()
    bad = [mutant for mutant in left if not excused.get(mutant.key)]
    stale = sorted(set(excused) - {mutant.key for mutant in left}) if whole else []
    for mutant in left:
        if mutant not in bad:
            print(f"equivalent  line {mutant.line:>3}  {mutant.key}\n            {excused[mutant.key]}")
    for mutant in bad:
        print(f"SURVIVED    line {mutant.line:>3}  {mutant.key}")
    for key in stale:
        print(f"NOT NEEDED  {EQUIVALENT.name}: {key}")
    print(f"{len(mutants)} mutants: {len(mutants) - len(left)} killed, {len(left) - len(bad)} equivalent, {len(bad)} survived")
    return 1 if bad or stale else 0


def main() -> int:
    """Mutate, run, report."""
    arguments = argparse.ArgumentParser(description="mutation test of the law of the slip")
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--only", default="", help="mutations whose name contains this")
    arguments.add_argument("--list", action="store_true", help="name the mutations and stop")
    asked = arguments.parse_args()
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    mutants = [mutant for mutant in mutations(tree) if asked.only in mutant.key]
    if asked.list:
        print("\n".join(f"line {mutant.line:>3}  {mutant.key}" for mutant in mutants))
        return 0
    for module in BELOW:
        importlib.import_module(module)
    if TARGET in sys.modules:
        raise SystemExit(f"error: {TARGET} was imported before it could be mutated")
    started = time.monotonic()
    tables, searches = test_files()
    if os.waitstatus_to_exitcode(os.waitpid(fork(lambda: run(tree, tables + searches), silent=False), 0)[1]):
        raise SystemExit("error: the tests fail on the law as it is: .venv/bin/pytest tests/unit/test_slip*.py")
    left = survivors(tree, mutants, tables, asked.workers, "tables")
    if left and searches:
        left = survivors(tree, left, searches, asked.workers, "search")
    code = report(mutants, left, whole=not asked.only)
    print(f"{time.monotonic() - started:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
