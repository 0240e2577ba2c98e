"""Conditions as people read them: ``command=="!quest"``, ``role>=viewer``, ``live``."""

from __future__ import annotations

import json
from typing import Any

from bitbrat.rules.nodes import Node

MAX_PHRASE = 80
_NAMES = {"user.role": "role", "user.name": "user", "user.tags": "tags"}
_INFIX = {"ci_eq": "==", "role_at_least": ">=", "text_contains": " contains ", "re_test": " ~ ", "has_role": " has ", "in": " in "}


def phrase(node: Node) -> str:
    """One line for ``node``, at most 80 characters."""
    text = _phrase(node)
    return text if len(text) <= MAX_PHRASE else text[: MAX_PHRASE - 1] + "…"


def _phrase(node: Node) -> str:
    if node.constant:
        return written(node.value)
    if node.op == "var":
        return _NAMES.get(node.value, str(node.value)) or "item"
    if node.op in ("!", "!!"):
        return f"not({_phrase(node.args[0])})" if node.op == "!" else _phrase(node.args[0])
    if node.op in ("and", "or"):
        return "(" + f" {node.op} ".join(_phrase(arg) for arg in node.args[:6]) + ")"
    if len(node.args) >= 2 and node.op != "if":
        return _two(node)
    return f"{node.op}({', '.join(_phrase(arg) for arg in node.args[:4])})"


def _two(node: Node) -> str:
    left, right = node.args[0], node.args[1]
    if node.op in ("==", "===") and right.constant and isinstance(right.value, bool):
        return _phrase(left) if right.value else f"not({_phrase(left)})"
    if node.op == "role_at_least" and right.constant:
        return f"{_phrase(left)}>={right.value}"
    symbol = _INFIX.get(node.op, node.op)
    return (
        f"{_phrase(left)}{symbol}{_phrase(right)}"
        if symbol in _INFIX.values() or not symbol.isidentifier()
        else f"{node.op}({_phrase(left)}, {_phrase(right)})"
    )


def written(value: Any, limit: int = 60) -> str:
    """A value as JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= limit else text[: limit - 1] + "…"
