"""Compiles a condition (a JsonLogic tree) to closures, and refuses everything that is not in the table of operators.

There is no ``eval``, no attribute access and no call but to the functions of the tables, so a condition can do nothing but
compare. Problems are noted with their place; the tree is walked to its end, so that all of them are found.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from bitbrat.rules.constants import wrong_constant
from bitbrat.rules.domain import MESSAGE_OPERATORS, VALUE_OPERATORS
from bitbrat.rules.flow import FLOW, LOOPS, fold
from bitbrat.rules.nodes import BUDGET, Evaluate, Node, constant, strict, strict_with_facts
from bitbrat.rules.operators import OPERATORS
from bitbrat.rules.patterns import compile_pattern
from bitbrat.rules.problems import Mark, Sink, shown, suggest
from bitbrat.rules.shortcuts import shortcut
from bitbrat.rules.values import UNKNOWN, Fault, to_number
from bitbrat.rules.variables import Facts, check_name, check_path, walk

MAX_DEPTH = 24
MAX_LIST = 1_000
PLAIN = {**OPERATORS, **VALUE_OPERATORS}
SPECIAL = {"var": (1, 2), "missing": (0, 100), "missing_some": (2, 2), "re_test": (2, 3), "reduce": (3, 3)}
KNOWN = frozenset([*PLAIN, *MESSAGE_OPERATORS, *FLOW, *LOOPS, *SPECIAL])
"""Every operator that a condition may use."""


def compile_condition(tree: Any, sink: Sink, mark: Mark) -> Node:
    """The compiled form of ``tree``. Its problems go to ``sink``; with one there, the node is not for use."""
    if not isinstance(tree, (dict, bool)):
        sink.add("rules.unsafe", f"a condition is an operator with its arguments, not {shown(tree)}: nothing is evaluated as text", mark)
        return constant(False)
    node = _Compiler(sink).node(tree, mark, 0, False)
    if node.size > BUDGET:
        sink.add("rules.unsafe", f"the condition has {node.size} parts; the limit is {BUDGET}", mark)
    return node


class _Compiler:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def node(self, tree: Any, mark: Mark, depth: int, inside: bool) -> Node:
        """One node. ``inside`` a loop's body, variables are those of the element."""
        if depth > MAX_DEPTH:
            return self._bad(f"a condition may be nested {MAX_DEPTH} deep", mark)
        if isinstance(tree, list):
            return self._list(tree, mark, depth, inside)
        if not isinstance(tree, dict):
            return constant(tree)
        if len(tree) != 1:
            return self._bad('an operator stands alone in its braces, as in {"==": [a, b]}', mark)
        op, given = next(iter(tree.items()))
        at = getattr(tree, "key_marks", {}).get(op, mark)
        return self._operator(op, given, at, _mark_below(tree, op, mark), depth, inside)

    def _list(self, tree: list[Any], mark: Mark, depth: int, inside: bool) -> Node:
        if len(tree) > MAX_LIST:
            return self._bad(f"a list of {len(tree)} items; the limit is {MAX_LIST}", mark)
        args = self._all(tree, mark, depth, inside)
        if all(arg.constant for arg in args):
            return constant([arg.value for arg in args])
        return Node("list", strict(lambda *values: list(values), args), args, size=_size(args))

    def _operator(self, op: str, given: Any, at: Mark, below: Mark, depth: int, inside: bool) -> Node:
        if op not in KNOWN:
            return self._bad(f"there is no operator {shown(op)}{suggest(op, KNOWN)}", at)
        items = given if isinstance(given, list) else [given]
        low, high = _arity(op)
        if not low <= len(items) <= high:
            return self._bad(f"{op} takes {low if low == high else f'{low} to {high}'} arguments, not {len(items)}", at)
        if op == "var":
            return self._variable(items, at, below, depth, inside)
        args = self._arguments(op, given, items, below, depth, inside)
        problem = wrong_constant(op, args)
        return self._bad(problem, below) if problem else self._build(op, args, at, inside)

    def _arguments(self, op: str, given: Any, items: list[Any], mark: Mark, depth: int, inside: bool) -> tuple[Node, ...]:
        if op in LOOPS or op == "reduce":
            first, body, *rest = (self.node(item, _mark_below(items, i, mark), depth + 1, inside or i == 1) for i, item in enumerate(items))
            return (first, body, *rest)
        return self._all(given if isinstance(given, list) else items, mark, depth, inside)

    def _all(self, items: list[Any], mark: Mark, depth: int, inside: bool) -> tuple[Node, ...]:
        return tuple(self.node(item, _mark_below(items, i, mark), depth + 1, inside) for i, item in enumerate(items))

    def _build(self, op: str, args: tuple[Node, ...], at: Mark, inside: bool) -> Node:
        if op == "re_test":
            return self._pattern(args, at)
        if op in ("missing", "missing_some"):
            return self._missing(op, args, at, inside)
        run = None if inside else shortcut(op, args)
        return Node(op, run or _closure(op, args), args, size=_size(args))

    def _variable(self, items: list[Any], at: Mark, mark: Mark, depth: int, inside: bool) -> Node:
        name = str(items[0]) if isinstance(items[0], int) and inside and not isinstance(items[0], bool) else items[0]
        if not isinstance(name, str):
            return self._bad("the name of a variable is written out as a text", at)
        problem = _wrong_name(name, inside)
        if problem:
            self._sink.add("rules.unsafe" if "__" in name else "rules.unknown_variable", problem, mark)
            return constant(False)
        get: Evaluate = _inner(name) if inside else itemgetter(name)
        fallback = self.node(items[1], mark, depth + 1, inside) if len(items) == 2 else None
        args = (fallback,) if fallback else ()
        return Node("var", _or_else(get, fallback.run) if fallback else get, args, name, 1 + sum(arg.size for arg in args))

    def _missing(self, op: str, args: tuple[Node, ...], at: Mark, inside: bool) -> Node:
        listed = (
            args[1].value
            if op == "missing_some"
            else args[0].value
            if len(args) == 1 and isinstance(args[0].value, list)
            else [arg.value for arg in args]
        )
        if not all(arg.constant for arg in args) or not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            return self._bad(f"{op} takes the names of variables, written out", at)
        for problem in filter(None, (_wrong_name(name, inside) for name in listed)):
            self._sink.add("rules.unknown_variable", problem, at)
        gets = tuple((name, _inner(name) if inside else itemgetter(name)) for name in listed)
        needed = self._number(args[0], at) if op == "missing_some" else len(listed)
        return Node(op, _absent(gets, needed if op == "missing_some" else None), args, size=_size(args) + len(listed))

    def _number(self, node: Node, at: Mark) -> int:
        try:
            return int(to_number(node.value))
        except Fault as fault:
            self._bad(f"missing_some: {fault}", at)
            return 0

    def _pattern(self, args: tuple[Node, ...], at: Mark) -> Node:
        flags = args[2].value if len(args) == 3 else ""
        if not isinstance(args[1].value, str) or not args[1].constant or flags not in ("", "i"):
            return self._bad('re_test takes a text, a pattern that is written out, and perhaps "i" to ignore case', at)
        try:
            found = compile_pattern(args[1].value, ignore_case=flags == "i")
        except ValueError as error:
            return self._bad(f"the pattern {shown(args[1].value)} is refused: {error}", at)
        return Node("re_test", _matching(args[0].run, found), args, size=_size(args))

    def _bad(self, message: str, mark: Mark) -> Node:
        self._sink.add("rules.unsafe", message, mark)
        return constant(False)


def _closure(op: str, args: tuple[Node, ...]) -> Evaluate:
    if op in FLOW:
        return FLOW[op][2](args)
    if op in LOOPS:
        return LOOPS[op](args)
    if op == "reduce":
        return fold(args)
    return strict_with_facts(MESSAGE_OPERATORS[op].apply, args) if op in MESSAGE_OPERATORS else strict(PLAIN[op].apply, args)


def _arity(op: str) -> tuple[int, int]:
    if op in SPECIAL:
        return SPECIAL[op]
    if op in LOOPS:
        return (2, 2)
    entry = FLOW.get(op) or PLAIN.get(op) or MESSAGE_OPERATORS[op]
    return entry[0], entry[1]


def _size(args: tuple[Node, ...]) -> int:
    return 1 + sum(arg.size for arg in args)


def _mark_below(parent: Any, key: Any, mark: Mark) -> Mark:
    """Where a value stands, as far as its parent knows."""
    marks = getattr(parent, "marks", None)
    if isinstance(marks, dict):
        mark = marks.get(key, mark)
    elif isinstance(marks, list) and key < len(marks):
        mark = marks[key]
    return mark


def _wrong_name(name: str, inside: bool) -> str | None:
    if inside:
        return check_path(name) if name else None
    return check_path(name) if "__" in name and name.startswith("payload.") else check_name(name)


def _inner(name: str) -> Callable[[Facts], Any]:
    return (lambda facts: walk(facts.item, name)) if name else (lambda facts: facts.item)


def _matching(get: Evaluate, found: Callable[[str], bool]) -> Evaluate:
    def evaluate(facts: Facts) -> Any:
        text = get(facts)
        return found(text) if type(text) is str else UNKNOWN if text is UNKNOWN else False

    return evaluate


def _or_else(get: Evaluate, fallback: Evaluate) -> Evaluate:
    def evaluate(facts: Facts) -> Any:
        value = get(facts)
        return fallback(facts) if value is None or value is UNKNOWN else value

    return evaluate


def _absent(gets: tuple[tuple[str, Evaluate], ...], needed: int | None) -> Evaluate:
    def evaluate(facts: Facts) -> list[str]:
        missing = [name for name, get in gets if get(facts) in (None, "") or get(facts) is UNKNOWN]
        return [] if needed is not None and len(gets) - len(missing) >= needed else missing

    return evaluate
