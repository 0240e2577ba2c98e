"""The operators that take values and give a value: all of JsonLogic's that do not decide what is evaluated next.

Each entry says how many arguments it takes. An unknown argument makes the result unknown before the function is called. The
ones that decide the flow (``and or if ! var map …``) are in :mod:`bitbrat.rules.flow`; the ones that know about messages are in
:mod:`bitbrat.rules.domain`. Source: jsonlogic.com/operations.html.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from bitbrat.rules.values import (
    Fault,
    bounded_list,
    bounded_text,
    finite,
    less,
    less_or_equal,
    loose_equal,
    strict_equal,
    to_number,
    to_text,
    truthy,
)

MANY = 100
"""The most arguments that any operator takes."""


class Operator(NamedTuple):
    """A function of values, and how many it takes (``low`` to ``high``)."""

    low: int
    high: int
    apply: Callable[..., Any]


def _between(relation: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    def compare(a: Any, b: Any, *rest: Any) -> bool:
        return relation(a, b) and (not rest or relation(b, rest[0]))

    return compare


def _minus(a: Any, *rest: Any) -> int | float:
    return finite(to_number(a) - to_number(rest[0]) if rest else -to_number(a))


def _plus(*values: Any) -> int | float:
    total: int | float = 0
    for value in values:
        total = finite(total + to_number(value))
    return total


def _times(*values: Any) -> int | float:
    product: int | float = 1
    for value in values:
        product = finite(product * to_number(value))
    return product


def _divide(a: Any, b: Any) -> int | float:
    divisor = to_number(b)
    if divisor == 0:
        raise Fault("division by zero")
    return finite(to_number(a) / divisor)


def _modulo(a: Any, b: Any) -> int | float:
    divisor = to_number(b)
    if divisor == 0:
        raise Fault("division by zero")
    return finite(math.fmod(to_number(a), divisor))


def _in(needle: Any, haystack: Any) -> bool:
    if isinstance(haystack, str):
        return needle is not None and to_text(needle) in haystack
    return isinstance(haystack, list) and any(strict_equal(needle, item) for item in haystack)


def _cat(*values: Any) -> str:
    return bounded_text("".join(to_text(value) for value in values))


def _substr(text: Any, start: Any, length: Any = None) -> str:
    source = to_text(text)
    rest = source[int(to_number(start)) :] if abs(to_number(start)) <= len(source) or to_number(start) > 0 else source
    return rest if length is None else rest[: int(to_number(length))]


def _merge(*values: Any) -> list[Any]:
    merged: list[Any] = []
    for value in values:
        merged.extend(value if isinstance(value, list) else [value])
    return bounded_list(merged)


def _largest(*values: Any) -> int | float:
    return max(to_number(value) for value in values)


def _smallest(*values: Any) -> int | float:
    return min(to_number(value) for value in values)


OPERATORS: Final[dict[str, Operator]] = {
    "==": Operator(2, 2, loose_equal),
    "===": Operator(2, 2, strict_equal),
    "!=": Operator(2, 2, lambda a, b: not loose_equal(a, b)),
    "!==": Operator(2, 2, lambda a, b: not strict_equal(a, b)),
    "!": Operator(1, 1, lambda a: not truthy(a)),
    "!!": Operator(1, 1, truthy),
    ">": Operator(2, 2, lambda a, b: less(b, a)),
    ">=": Operator(2, 2, lambda a, b: less_or_equal(b, a)),
    "<": Operator(2, 3, _between(less)),
    "<=": Operator(2, 3, _between(less_or_equal)),
    "max": Operator(1, MANY, _largest),
    "min": Operator(1, MANY, _smallest),
    "+": Operator(1, MANY, _plus),
    "-": Operator(1, 2, _minus),
    "*": Operator(1, MANY, _times),
    "/": Operator(2, 2, _divide),
    "%": Operator(2, 2, _modulo),
    "in": Operator(2, 2, _in),
    "cat": Operator(0, MANY, _cat),
    "substr": Operator(2, 3, _substr),
    "merge": Operator(0, MANY, _merge),
}

ARITHMETIC: Final = frozenset(["+", "-", "*", "/", "%", "max", "min"])
ORDERED: Final = frozenset(["<", "<=", ">", ">="])
