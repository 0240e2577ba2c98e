"""What every test run says at its end: which components were real, which were absent and why, which no test uses yet."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests import components

# What is part of BitBrat itself: always there, so a row counts the passed tests whose name matches. The first part is the
# beginning of the test's file, the second stands in its id.
OWN: dict[str, list[tuple[str, str]]] = {
    "memory bus": [("tests/contract/test_bus", "memory")],
    "SQLite bus": [("tests/contract/test_bus", "sqlite")],
    "memory store": [("tests/contract/test_store", "memory")],
    "SQLite store": [("tests/contract/test_store", "sqlite")],
    "IRC over TCP": [("tests/connectors/", "[tcp"), ("tests/connectors/", "-tcp")],
    "IRC over TLS": [("tests/connectors/", "[tls"), ("tests/connectors/", "-tls")],
    "IRC over WebSocket": [("tests/connectors/", "[ws"), ("tests/connectors/", "-ws"), ("tests/connectors/", "websocket")],
}
NEVER_REQUIRED = ("OBS", "inspircd", "Docker engine", "faketime", "network namespaces", "lazyfs", "Chromium")

passed: set[str] = set()
asked: dict[str, set[str]] = defaultdict(set)
reasons: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what passed."""
    if report.when == "call" and report.passed:
        passed.add(report.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker process knows."""
    known = getattr(node, "workeroutput", {})
    gather(known.get("components_used", ()), known.get("components_absent", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker process: hand over what it knows. In the only process: keep it."""
    handed = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["components_used"] = sorted(components.used)
        handed["components_absent"] = dict(components.absent)
    else:
        gather(components.used, components.absent)


def gather(used: Any, absent: Any) -> None:
    """Add to what is known: ``component|test`` pairs, and the reason for each absent component."""
    for pair in used:
        name, _, test = pair.partition("|")
        asked[name].add(test)
    reasons.update(absent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    terminalreporter.section("components", sep="-")
    rows = [(name, own_state(name)) for name in OWN]
    rows += [(name, outside_state(name)) for name in (*components.REQUIRABLE, *sorted(set(asked) - set(components.REQUIRABLE)))]
    for name, state in rows:
        terminalreporter.write_line(f"  {name:<20} {state}")
    never = [name for name in NEVER_REQUIRED if name not in asked]
    terminalreporter.write_line(f"  not tested           {', '.join(never)} (never required)")


def own_state(name: str) -> str:
    """How many tests passed on a component of our own."""
    count = sum(any(test.startswith(file) and part in test.lower() for file, part in OWN[name]) for test in passed)
    return f"used      {count} tests" if count else "not used in this run"


def outside_state(name: str) -> str:
    """Whether tests had the component, asked for it in vain, or do not exist."""
    if name in asked:
        return f"used      {sum(any(test.startswith(one) for one in asked[name]) for test in passed)} tests"
    if name in reasons:
        return f"absent    {reasons[name]}"
    return "not tested"
