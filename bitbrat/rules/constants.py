"""What can be seen to be wrong with an operator's written arguments before it ever runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bitbrat.rules.domain import LADDER, to_time
from bitbrat.rules.durations import parse_duration
from bitbrat.rules.nodes import Node
from bitbrat.rules.operators import ARITHMETIC, ORDERED
from bitbrat.rules.values import Fault, kind_of, to_number

Check = Callable[[Any], object]


def wrong_constant(op: str, args: tuple[Node, ...]) -> str | None:
    """A sentence about the first written argument that ``op`` cannot work with, or None."""
    check = _of(op)
    for position, arg in enumerate(args):
        if not arg.constant or (op == "within" and position == 1 and len(args) == 2):
            continue
        try:
            check(arg.value)
        except (Fault, ValueError) as error:
            return f"{op}: {error}"
    return _late(op, args)


def _late(op: str, args: tuple[Node, ...]) -> str | None:
    """The arguments that mean something else than those before them."""
    last = args[-1] if args else None
    if last is None or not last.constant:
        return None
    if op == "role_at_least" and last.value not in LADDER:
        return f"role_at_least: {last.value!r} is not a role: {', '.join(LADDER)}"
    if op == "within" and len(args) == 2:
        try:
            parse_duration(last.value)
        except ValueError as error:
            return f"within: {error}"
    return None


def _of(op: str) -> Check:
    if op in ARITHMETIC:
        return to_number
    return _ordered if op in ORDERED else _CHECKS.get(op, _anything)


def _anything(_: Any) -> None:
    return None


def _ordered(value: Any) -> None:
    if not isinstance(value, (str, int, float)):
        raise Fault(f"{kind_of(value)} has no order")


def _text(value: Any) -> None:
    if not isinstance(value, str):
        raise Fault(f"{kind_of(value)} is not a text")


_CHECKS: Final[dict[str, Check]] = {
    **dict.fromkeys(["ci_eq", "text_contains", "has_reply", "slip_complete", "role_at_least"], _text),
    **dict.fromkeys(["before", "after", "within"], to_time),
}
