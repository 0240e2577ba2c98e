"""Looks at all rules together.

A doubled id is an error. A rule that can never be reached, or whose place is left to its name, is a warning.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bitbrat.errors import Problem
from bitbrat.rules.model import Rule
from bitbrat.rules.nodes import Node
from bitbrat.rules.variables import WITHOUT_SOURCE


def lint(rules: Sequence[Rule]) -> list[Problem]:
    """Everything to be said about these rules together. A rule with errors of its own has no version and gets no warning."""
    ordered = sorted((rule for rule in rules if rule.enabled and rule.version), key=lambda rule: rule.order)
    return [*_doubled(rules), *_shadowed(ordered), *_level(ordered), *_without_source(ordered)]


def conjuncts(ast: Any) -> list[Any]:
    """The conditions that must all hold for ``ast`` to hold."""
    if isinstance(ast, dict) and set(ast) == {"and"} and isinstance(ast["and"], list):
        return [part for item in ast["and"] for part in conjuncts(item)]
    return [] if ast is True else [ast]


def required(ast: Any, op: str, name: str) -> str | None:
    """The text that the variable ``name`` must equal (by ``op``) for ``ast`` to hold, if there is one."""
    for part in conjuncts(ast):
        args = part.get(op) if isinstance(part, dict) else None
        if isinstance(args, list) and len(args) == 2 and args[0] == {"var": name} and isinstance(args[1], str):
            return args[1].casefold() if op == "ci_eq" else args[1]
    return None


def _warning(rule: Rule, code: str, message: str) -> Problem:
    return Problem(code, message, rule.file, rule.line, rule.column, rule.id, "warning")


def _doubled(rules: Iterable[Rule]) -> Iterator[Problem]:
    seen: dict[str, Rule] = {}
    for rule in rules:
        first = seen.setdefault(rule.id, rule)
        if first is not rule and rule.id:
            message = f"the id {rule.id!r} is taken by the rule at {first.file}:{first.line}"
            yield Problem("rules.duplicate_id", message, rule.file, rule.line, rule.column, rule.id)


def _shadowed(ordered: Sequence[Rule]) -> Iterator[Problem]:
    """A rule that asks for all that an earlier one asks for never gets a message on its first way through."""
    by_smallest: dict[str, list[tuple[Rule, frozenset[str]]]] = defaultdict(list)
    for rule in ordered:
        parts = frozenset(json.dumps(part, sort_keys=True) for part in conjuncts(rule.ast))
        earlier = next((other for key in ("", *parts) for other, asked in by_smallest[key] if asked <= parts), None)
        if earlier is not None:
            yield _warning(
                rule, "rules.unreachable", f"{rule.id!r} is never reached: {earlier.id!r} comes first and matches whatever it matches"
            )
        by_smallest[min(parts, default="")].append((rule, parts))


def _level(ordered: Sequence[Rule]) -> Iterator[Problem]:
    """Rules of one priority that one message may match: which comes first is left to their names. One warning a priority."""
    groups: dict[int, list[Rule]] = defaultdict(list)
    for rule in ordered:
        groups[rule.priority].append(rule)
    for priority, group in groups.items():
        clashing = _clashing(group)
        if clashing:
            names = ", ".join(repr(rule.id) for rule in clashing[:5]) + (f" and {len(clashing) - 5} more" if len(clashing) > 5 else "")
            message = f"{names} have priority {priority} and may match the same message; they are tried in the order of their names"
            yield _warning(clashing[1], "rules.same_priority", message)


def _clashing(group: Sequence[Rule]) -> list[Rule]:
    """The rules of ``group`` that some message may match together with another of them."""
    keys = [(required(rule.ast, "ci_eq", "command"), required(rule.ast, "==", "type")) for rule in group]
    found: dict[int, None] = {}
    for position, (command, kind) in enumerate(keys):
        other = next((i for i, (c, k) in enumerate(keys[:position]) if not _apart(command, c) and not _apart(kind, k)), None)
        if other is not None:
            found |= {other: None, position: None}
    return [group[position] for position in sorted(found)]


def _apart(a: str | None, b: str | None) -> bool:
    return a is not None and b is not None and a != b


def _without_source(ordered: Iterable[Rule]) -> Iterator[Problem]:
    for rule in ordered:
        for name in sorted(set(_variables(rule.condition)) & WITHOUT_SOURCE.keys()):
            yield _warning(rule, "rules.no_source", f"{rule.id!r} asks for {name}: {WITHOUT_SOURCE[name]}")


def _variables(node: Node) -> Iterator[str]:
    if node.op == "var" and isinstance(node.value, str) and not node.args:
        yield node.value
    for arg in node.args:
        yield from _variables(arg)
