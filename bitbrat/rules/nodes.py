"""A compiled condition: a closure that gives its value, and what an explanation needs to know about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bitbrat.rules.values import UNKNOWN, Fault
from bitbrat.rules.variables import Facts

Evaluate = Callable[[Facts], Any]

BUDGET = 1_000
"""The most steps that one evaluation of one rule may take. Every node counts once, and a loop's body once an element."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One node of a rule's condition. ``value`` is the constant, or the variable's name; ``size`` counts the nodes below and this."""

    op: str
    run: Evaluate
    args: tuple[Node, ...] = ()
    value: Any = None
    size: int = 1

    @property
    def constant(self) -> bool:
        """Whether this is a value written in the rule."""
        return self.op == "const"


def constant(value: Any) -> Node:
    """A value written in the rule."""
    return Node("const", lambda _: value, value=value)


def spend(facts: Facts, steps: int) -> None:
    """Take ``steps`` off the running evaluation. Raises :class:`Fault` when none are left."""
    facts.left -= steps
    if facts.left < 0:
        raise Fault(f"the condition took more than {BUDGET} steps")


def strict(apply: Callable[..., Any], args: tuple[Node, ...]) -> Evaluate:
    """A closure that calls ``apply`` with the arguments' values; one unknown argument makes the result unknown."""
    if len(args) == 2:
        return _right_constant(apply, *args) if args[1].constant else _binary(apply, args[0].run, args[1].run)
    runs = tuple(arg.run for arg in args)

    def evaluate(facts: Facts) -> Any:
        values = [run(facts) for run in runs]
        return UNKNOWN if any(value is UNKNOWN for value in values) else apply(*values)

    return evaluate


def strict_with_facts(apply: Callable[..., Any], args: tuple[Node, ...]) -> Evaluate:
    """The same for a function that takes the facts before its arguments."""
    runs = tuple(arg.run for arg in args)

    def evaluate(facts: Facts) -> Any:
        values = [run(facts) for run in runs]
        return UNKNOWN if any(value is UNKNOWN for value in values) else apply(facts, *values)

    return evaluate


def _right_constant(apply: Callable[..., Any], left: Node, right: Node) -> Evaluate:
    run, wanted = left.run, right.value

    def evaluate(facts: Facts) -> Any:
        value = run(facts)
        return UNKNOWN if value is UNKNOWN else apply(value, wanted)

    return evaluate


def _binary(apply: Callable[..., Any], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(facts: Facts) -> Any:
        a, b = left(facts), right(facts)
        return UNKNOWN if a is UNKNOWN or b is UNKNOWN else apply(a, b)

    return evaluate
