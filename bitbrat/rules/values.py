"""What JsonLogic's loose values mean: truth, equality, order, numbers and text, as JavaScript has them where it matters.

Ports of JsonLogic disagree here, so ``tests/unit/rules/jsonlogic_conformance.json`` pins ours. Ours on purpose: arithmetic on
what is not a number is a fault instead of NaN, and *unknown* is a third truth value.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

MAX_TEXT = 16_384
MAX_ITEMS = 1_000
SAFE_INTEGER = 2**53

_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*\Z", re.ASCII)


class _Unknown:
    """The value of a variable that nobody can tell."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final[Any] = _Unknown()
"""Neither true nor false. Comparing with it gives it again; a rule whose condition is unknown does not match."""


class Fault(Exception):
    """An evaluation that cannot go on: the rule does not match, and its explanation says why."""


def truthy(value: Any) -> bool:
    """JsonLogic's truth: ``0``, ``""``, ``null``, ``false`` and ``[]`` are false; ``"0"`` and ``{}`` are true."""
    return bool(value) or isinstance(value, dict)


def loose_equal(a: Any, b: Any) -> bool:
    """``==`` of JavaScript."""
    if type(a) is type(b) and isinstance(a, str):
        return bool(a == b)
    if a is None or b is None:
        return a is b
    if isinstance(a, (dict, list)) and isinstance(b, (dict, list)):
        return a is b
    if isinstance(a, (dict, list)):
        return loose_equal(to_text(a), b)
    if isinstance(b, (dict, list)):
        return loose_equal(a, to_text(b))
    if isinstance(a, str) and isinstance(b, str):
        return a == b
    return _as_number(a) == _as_number(b)


def strict_equal(a: Any, b: Any) -> bool:
    """``===`` of JavaScript: no conversion; two lists or objects are equal only when they are the same one."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b
    return type(a) is type(b) and (a is b if isinstance(a, (dict, list)) else a == b)


def less(a: Any, b: Any) -> bool:
    """``<`` of JavaScript: two texts by their characters, anything else as numbers; not a number is never less."""
    if isinstance(a, str) and isinstance(b, str):
        return a < b
    return _comparable(a) < _comparable(b)


def less_or_equal(a: Any, b: Any) -> bool:
    """``<=`` of JavaScript."""
    if isinstance(a, str) and isinstance(b, str):
        return a <= b
    return _comparable(a) <= _comparable(b)


def to_number(value: Any) -> int | float:
    """``value`` for arithmetic. Raises :class:`Fault` when it is not a number and does not read as one."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str) and (number := _as_number(value)) == number:
        return number
    raise Fault(f"{kind_of(value)} is not a number")


def finite(number: int | float) -> int | float:
    """A result of arithmetic as JSON would show it. Raises :class:`Fault` when it is not finite."""
    if isinstance(number, int) and abs(number) <= SAFE_INTEGER:
        return number
    try:
        result = float(number)
    except OverflowError:
        raise Fault("the number is too large") from None
    if not math.isfinite(result):
        raise Fault("the number is not finite")
    return int(result) if result.is_integer() and abs(result) <= SAFE_INTEGER else result


def to_text(value: Any) -> str:
    """``value`` as JavaScript writes it in a text; ``null`` is empty, a list is joined by commas."""
    if isinstance(value, str):
        return value
    if value is None or value is UNKNOWN:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(to_text(item) for item in value[:MAX_ITEMS])
    if isinstance(value, float) and value.is_integer() and abs(value) <= SAFE_INTEGER:
        return str(int(value))
    return "[object Object]" if isinstance(value, dict) else str(finite(value) if isinstance(value, int) else value)


def bounded_text(text: str) -> str:
    """``text``, or a fault when it has grown too long."""
    if len(text) > MAX_TEXT:
        raise Fault(f"a text grew over {MAX_TEXT} characters")
    return text


def bounded_list(items: list[Any]) -> list[Any]:
    """``items``, or a fault when there are too many."""
    if len(items) > MAX_ITEMS:
        raise Fault(f"a list grew over {MAX_ITEMS} items")
    return items


def kind_of(value: Any) -> str:
    """The word that an author uses for the type of ``value``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    kinds = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), "this value")


def _comparable(value: Any) -> float:
    if isinstance(value, (dict, list)):
        raise Fault(f"{kind_of(value)} has no order")
    return _as_number(value)


def _as_number(value: Any) -> float:
    if value is None:
        return 0
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and len(value) <= 64:
        if not value.strip():
            return 0
        if _NUMBER.match(value):
            return finite_or_nan(float(value))
    return math.nan


def finite_or_nan(number: float) -> float:
    """``number`` as an integer where it is one; infinity is not a number to us."""
    if not math.isfinite(number):
        return math.nan
    return int(number) if number.is_integer() and abs(number) <= SAFE_INTEGER else number
