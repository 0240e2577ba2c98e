"""Rules as JSON: the list, their tests, and why each matches an event or does not. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bitbrat.api.events import NewEvent
from bitbrat.envelope import Envelope, Source
from bitbrat.errors import Problem
from bitbrat.rules import Explanation, Facts, Rule, Ruleset


def listed(rules: Ruleset, problems: Iterable[Problem]) -> dict[str, Any]:
    """The rules in force, in order, and the problems and warnings of the files."""
    return {"ruleset": rules.hash, "rules": [_rule(rule) for rule in rules], **_problems(rules, problems)}


def tested(rules: Ruleset, problems: Iterable[Problem]) -> dict[str, Any]:
    """How the rules' own examples went."""
    found = [
        {"rule": one.rule, "example": one.example, "passed": one.passed, "message": one.message, "file": one.file, "line": one.line}
        for one in rules.run_tests()
    ]
    return {"rules": len(rules), "tests": found, **_problems(rules, problems)}


def explained(rules: Ruleset, problems: Iterable[Problem], event: NewEvent, *, now: datetime) -> dict[str, Any]:
    """Every rule with ``event`` as it is before anybody has worked on it, in order; ``match`` is the one that wins."""
    facts = Facts.of(_envelope(event, now), now)
    match = rules.match(facts)
    views = [_explanation(one) for one in rules.explain(facts)]
    return {"match": match.rule.id if match else None, "rules": views, **_problems(rules, problems)}


def _rule(rule: Rule) -> dict[str, Any]:
    return {**rule.to_json(), "version": rule.version, "file": rule.file, "line": rule.line, "tests": len(rule.examples)}


def _explanation(one: Explanation) -> dict[str, Any]:
    return {"rule": one.rule, "version": one.version, "result": one.result, "line": one.line, "almost": one.almost, "tree": one.tree}


def _problems(rules: Ruleset, problems: Iterable[Problem]) -> dict[str, Any]:
    return {"problems": [problem_json(one) for one in problems], "warnings": [problem_json(one) for one in rules.warnings]}


def problem_json(problem: Problem) -> dict[str, Any]:
    """Where it stands and what it is."""
    return dict(vars(problem))


def _envelope(event: NewEvent, now: datetime) -> Envelope:
    return Envelope(
        id="simulated",
        correlation_id="simulated",
        trace_id="",
        timestamp=now,
        type=event.type,
        source=Source(platform=event.platform, channel=event.channel),
        user=event.sender(),
        routing_slip=(),
        payload=dict(event.payload),
        simulated=True,
    )
