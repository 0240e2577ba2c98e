"""The comparisons that nearly every rule is made of, a variable with a written value, as closures of one step.

Each gives what the general closure gives (a test compares them); it only saves a call, and folds the case of a value once a message
instead of once a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bitbrat.rules.domain import RANK
from bitbrat.rules.nodes import Evaluate, Node
from bitbrat.rules.values import UNKNOWN, loose_equal
from bitbrat.rules.variables import FOLDED, Facts


def shortcut(op: str, args: tuple[Node, ...]) -> Evaluate | None:
    """The closure of ``op`` for a plain variable and a written text or truth value; None when there is none."""
    build = _BUILD.get(op)
    if build is None or len(args) != 2 or args[0].op != "var" or args[0].args or not args[1].constant:
        return None
    wanted = args[1].value
    return build(args[0].value, wanted) if isinstance(wanted, str) or (op == "==" and isinstance(wanted, bool)) else None


def _ci_eq(name: str, wanted: str) -> Evaluate:
    key, folded = FOLDED + name, wanted.casefold()

    def evaluate(facts: Facts) -> Any:
        value = facts[key]
        return value == folded if value is not UNKNOWN else UNKNOWN

    return evaluate


def _equal(name: str, wanted: str | bool) -> Evaluate:
    kind = type(wanted)

    def evaluate(facts: Facts) -> Any:
        value = facts[name]
        if type(value) is kind:
            return value == wanted
        return loose_equal(value, wanted) if value is not UNKNOWN else UNKNOWN

    return evaluate


def _contains(name: str, wanted: str) -> Evaluate:
    key, folded = FOLDED + name, wanted.casefold()

    def evaluate(facts: Facts) -> Any:
        value = facts[key]
        return value is not None and folded in value if value is not UNKNOWN else UNKNOWN

    return evaluate


def _role_at_least(name: str, wanted: str) -> Evaluate:
    lowest = RANK[wanted]

    def evaluate(facts: Facts) -> Any:
        value = facts[name]
        if type(value) is str:
            return RANK.get(value, -1) >= lowest
        return UNKNOWN if value is UNKNOWN else False

    return evaluate


_BUILD: Final[dict[str, Callable[..., Evaluate]]] = {
    "ci_eq": _ci_eq,
    "==": _equal,
    "text_contains": _contains,
    "role_at_least": _role_at_least,
}
