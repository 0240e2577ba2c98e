"""The operators that decide what is evaluated: ``and or if``, the loops, and ``missing``.

Unknown is a third value, as in Kleene's logic: ``and`` with a false part is false whatever is unknown, ``or`` with a true part is
true; otherwise one unknown part makes the whole unknown. ``not`` of unknown is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bitbrat.rules.nodes import Evaluate, Node, spend
from bitbrat.rules.values import UNKNOWN, bounded_list, truthy
from bitbrat.rules.variables import Facts


def both(args: tuple[Node, ...]) -> Evaluate:
    """``and``: the first false value, else unknown if a part is, else the last value."""
    runs = tuple(arg.run for arg in args)

    def evaluate(facts: Facts) -> Any:
        value: Any = None
        unknown = False
        for run in runs:
            value = run(facts)
            if value is True:
                continue
            if value is UNKNOWN:
                unknown = True
            elif not value and not isinstance(value, dict):
                return value
        return UNKNOWN if unknown else value

    return evaluate


def either(args: tuple[Node, ...]) -> Evaluate:
    """``or``: the first true value, else unknown if a part is, else the last value."""
    runs = tuple(arg.run for arg in args)

    def evaluate(facts: Facts) -> Any:
        value: Any = None
        unknown = False
        for run in runs:
            value = run(facts)
            if value is UNKNOWN:
                unknown = True
            elif truthy(value):
                return value
        return UNKNOWN if unknown else value

    return evaluate


def choose(args: tuple[Node, ...]) -> Evaluate:
    """``if``: condition, value, condition, value … and perhaps an else. An unknown condition makes the result unknown."""
    pairs = tuple((args[i].run, args[i + 1].run) for i in range(0, len(args) - 1, 2))
    last = args[-1].run if len(args) % 2 else None

    def evaluate(facts: Facts) -> Any:
        for condition, value in pairs:
            decided = condition(facts)
            if decided is UNKNOWN:
                return UNKNOWN
            if truthy(decided):
                return value(facts)
        return last(facts) if last else None

    return evaluate


def _items(source: Evaluate, body: Node, facts: Facts) -> list[Any] | None:
    """The list to go through, paid for; None when it is unknown. What is not a list has no items."""
    found = source(facts)
    if found is UNKNOWN:
        return None
    items = found if isinstance(found, list) else []
    spend(facts, len(items) * body.size)
    return items


def _each(facts: Facts, items: list[Any], body: Evaluate) -> list[Any]:
    """The body's value for each item. The item that an outer loop looks at comes back afterwards."""
    outer = facts.item
    try:
        values = []
        for facts.item in items:
            values.append(body(facts))
        return values
    finally:
        facts.item = outer


def loop(collect: Callable[[list[Any], list[Any]], Any]) -> Callable[[tuple[Node, ...]], Evaluate]:
    """A loop over a list; ``collect`` makes the result of the items and the body's value for each."""

    def build(args: tuple[Node, ...]) -> Evaluate:
        source, body = args[0].run, args[1]

        def evaluate(facts: Facts) -> Any:
            items = _items(source, body, facts)
            return UNKNOWN if items is None else collect(items, _each(facts, items, body.run))

        return evaluate

    return build


def fold(args: tuple[Node, ...]) -> Evaluate:
    """``reduce``: the body sees ``current`` and ``accumulator``."""
    source, body, start = args[0].run, args[1], args[2].run

    def evaluate(facts: Facts) -> Any:
        items = _items(source, body, facts)
        if items is None:
            return UNKNOWN
        total = start(facts)
        outer = facts.item
        try:
            for item in items:
                facts.item = {"current": item, "accumulator": total}
                total = body.run(facts)
        finally:
            facts.item = outer
        return total

    return evaluate


def _kept(items: list[Any], values: list[Any]) -> list[Any]:
    return [item for item, value in zip(items, values, strict=True) if truthy(value)]


FLOW: Final[dict[str, tuple[int, int, Callable[[tuple[Node, ...]], Evaluate]]]] = {
    "and": (1, 100, both),
    "or": (1, 100, either),
    "if": (1, 100, choose),
    "?:": (3, 3, choose),
}
LOOPS: Final[dict[str, Callable[[tuple[Node, ...]], Evaluate]]] = {
    "map": loop(lambda _, values: bounded_list(values)),
    "filter": loop(_kept),
    "all": loop(lambda items, values: bool(items) and all(truthy(value) for value in values)),
    "none": loop(lambda _, values: not any(truthy(value) for value in values)),
    "some": loop(lambda _, values: any(truthy(value) for value in values)),
}
"""All of them take a list and a body."""
