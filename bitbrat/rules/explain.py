"""Why a rule matched, or did not: a tree with the values that were compared, and the same in one line.

An explanation runs the closures that the decision ran, so the two cannot disagree. It is made only when somebody asks, or for
the rule that matched; texts are cut, and the whole stays under 4 KiB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bitbrat.rules.nodes import BUDGET, Node
from bitbrat.rules.phrases import phrase
from bitbrat.rules.values import UNKNOWN, Fault, truthy
from bitbrat.rules.variables import WITHOUT_SOURCE, Facts

MAX_BYTES = 4096
MAX_TEXT = 80
MAX_ITEMS = 8
MAX_WHY = 500
_MARKS = {"true": "✓", "false": "✗", "unknown": "?", "error": "!"}
_LOGIC = frozenset(["and", "or", "!", "!!", "if", "?:"])


@dataclass(frozen=True, slots=True)
class Explanation:
    """One rule looked at with one message.

    ``result`` is ``true``, ``false``, ``unknown``, ``error``, ``disabled`` or ``fired`` (it fired before on this message). ``why`` is one
    line, ``tree`` the same as JSON, ``reason`` what went wrong or is not known. ``almost``: a single condition kept it from matching.
    """

    rule: str
    version: str
    result: str
    why: str
    tree: dict[str, Any]
    reason: str = ""
    almost: bool = False

    @property
    def line(self) -> str:
        """``MATCH …`` or ``NO MATCH …`` with each condition and its mark."""
        return f"{'MATCH' if self.result == 'true' else 'NO MATCH'} {self.why}"


def evaluate(node: Node, facts: Facts) -> tuple[str, Any, str]:
    """``(result, value, reason)`` of a condition; never raises. Only ``"true"`` is a match."""
    facts.left = BUDGET - node.size
    facts.item = None
    try:
        value = node.run(facts)
    except Fault as fault:
        return "error", None, str(fault)
    except Exception as error:  # one rule that cannot be evaluated must not keep a message from the others
        return "error", None, f"cannot be evaluated: {type(error).__name__}"
    if value is UNKNOWN:
        return "unknown", value, ""
    return ("true" if truthy(value) else "false"), value, ""


def holds(node: Node, facts: Facts) -> bool | None:
    """Whether the condition holds; None when it could not be evaluated. The quick way to what :func:`evaluate` says."""
    facts.left = BUDGET - node.size
    facts.item = None
    try:
        value = node.run(facts)
    except Exception:  # :func:`evaluate` says what it was
        return None
    return value if value is True or value is False else value is not UNKNOWN and truthy(value)


def tree_of(node: Node, facts: Facts) -> dict[str, Any]:
    """The explanation of ``node`` as JSON, at most 4 KiB: ``op``, ``result``, and ``of`` (parts) or what was compared."""
    for depth in (8, 4, 2, 1):
        tree = _tree(node, facts, depth)
        if len(json.dumps(tree)) <= MAX_BYTES:
            return tree
    return {"op": node.op, "result": tree["result"], "cut": len(node.args)}


def why_of(node: Node, facts: Facts) -> str:
    """``node`` in one line: each condition with ✓, ✗, ? (unknown) or ! (error), and the reason where there is one."""
    parts = []
    for part in parts_of(node):
        result, _, fault = evaluate(part, facts)
        reason = fault or (_unknown(part, facts) if result == "unknown" else "")
        parts.append(f"{phrase(part)} {_MARKS[result]}" + (f" ({reason})" if reason else ""))
    line = " ".join(parts)
    return line if len(line) <= MAX_WHY else line[: MAX_WHY - 1] + "…"


def parts_of(node: Node) -> tuple[Node, ...]:
    """The conditions that must all hold."""
    return node.args if node.op == "and" else (node,)


def explain_condition(rule: str, version: str, node: Node, facts: Facts) -> Explanation:
    """The whole explanation of one rule's condition."""
    result, _, fault = evaluate(node, facts)
    reason = fault or (_unknown(node, facts) if result == "unknown" else "")
    parts = parts_of(node)
    failed = sum(evaluate(part, facts)[0] != "true" for part in parts)
    almost = result != "true" and failed == 1 and len(parts) > 1
    return Explanation(rule, version, result, why_of(node, facts), tree_of(node, facts), reason, almost)


def _tree(node: Node, facts: Facts, depth: int) -> dict[str, Any]:
    result, _, fault = evaluate(node, facts)
    found: dict[str, Any] = {"op": node.op, "result": result}
    if node.op in _LOGIC and depth > 0:
        found["of"] = [_tree(arg, facts, depth - 1) for arg in node.args[:16]]
        if len(node.args) > 16:
            found["cut"] = len(node.args) - 16
    else:
        found.update(_compared(node, facts))
    reason = fault or (_unknown(node, facts) if result == "unknown" and "of" not in found else "")
    return {**found, "reason": reason} if reason else found


def _compared(node: Node, facts: Facts) -> dict[str, Any]:
    """What a comparison looked at: the variables with their values, and the values written in the rule."""
    if node.constant:
        return {"value": short(node.value)}
    actual = {name: short(facts[name]) for name in list(_variables(node))[:4]}
    expected = [short(arg.value) for arg in node.args if arg.constant]
    found: dict[str, Any] = {"text": phrase(node)}
    if actual:
        found["actual"] = actual
    if expected:
        found["expected"] = expected[0] if len(expected) == 1 else expected[:MAX_ITEMS]
    return found


def _variables(node: Node) -> Iterator[str]:
    """The message's variables below ``node``. A loop's body has variables of its own, which mean nothing outside it."""
    if node.op == "var":
        yield node.value
    for arg in node.args[:1] if node.op in ("map", "filter", "all", "none", "some", "reduce") else node.args:
        yield from _variables(arg)


def _unknown(node: Node, facts: Facts) -> str:
    """Which variable makes ``node`` unknown, in a sentence."""
    names = [name for name in dict.fromkeys(_variables(node)) if facts[name] is UNKNOWN]
    return "; ".join(WITHOUT_SOURCE.get(name, f"{name} is unknown") for name in names)


def short(value: Any) -> Any:
    """``value`` as JSON, cut: 80 characters of a text, 8 items of a list, the names of an object."""
    if value is UNKNOWN:
        return "unknown"
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…"
    if isinstance(value, list):
        return [short(item) for item in value[:MAX_ITEMS]]
    return sorted(map(str, value))[:MAX_ITEMS] if isinstance(value, dict) else value
