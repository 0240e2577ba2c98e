"""Turns the shorthand under ``match:`` into a JsonLogic tree. All keys must hold; ``any:`` and ``not:`` nest.

``{command: "!quest", role: ">=viewer"}`` becomes ``{"and": [{"ci_eq": [{"var": "command"}, "!quest"]}, {"role_at_least": …}]}``, in the
order written. A list of values means any of them (of ``tags``: all).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from bitbrat.rules.domain import LADDER
from bitbrat.rules.problems import Mark, Sink, shown, suggest
from bitbrat.rules.spoken import visible
from bitbrat.rules.yaml_source import Map

_BITS = re.compile(r"(>=|<=|>|<|==)?\s*(\d{1,9})\Z", re.ASCII)
_BESIDE_THE_LADDER = ("staff", "admin", "global_mod")


class Refused(ValueError):
    """A shorthand value that makes no sense, and why."""


def var(name: str) -> dict[str, Any]:
    """The tree of a variable."""
    return {"var": name}


def to_tree(match: Any, sink: Sink, mark: Mark) -> Any:
    """The JsonLogic tree of a ``match:`` object; an empty one matches every message."""
    if not isinstance(match, Map):
        sink.add(
            "rules.bad_rule", f'match is an object such as {{command: "!quest"}}, not {shown(match)}; {{}} matches every message', mark
        )
        return False
    parts = [_part(key, value, sink, match) for key, value in match.items()]
    return _all(parts)


def _all(parts: list[Any]) -> Any:
    if not parts:
        return True
    return parts[0] if len(parts) == 1 else {"and": parts}


def _part(key: str, value: Any, sink: Sink, parent: Map) -> Any:
    mark = parent.marks[key]
    if key == "when":
        return value
    if key in ("any", "not"):
        return _nested(key, value, sink, mark)
    make = _KEYS.get(key)
    if make is None:
        sink.add("rules.unknown_key", f"match has no key {shown(key)}{suggest(key, KEYS)}", parent.key_marks[key])
        return False
    try:
        return make(value)
    except Refused as error:
        sink.add("rules.bad_rule", f"{key}: {error}", mark)
        return False


def _nested(key: str, value: Any, sink: Sink, mark: Mark) -> Any:
    if key == "any" and isinstance(value, Map) and value:
        return _one_of([_part(name, part, sink, value) for name, part in value.items()])
    items = value if isinstance(value, list) else [value]
    if not items:
        sink.add("rules.bad_rule", f"{key}: the list is empty", mark)
        return False
    marks = getattr(value, "marks", None)
    trees = [to_tree(item, sink, marks[i] if isinstance(marks, list) else mark) for i, item in enumerate(items)]
    return _one_of(trees) if key == "any" else {"!": [_one_of(trees)]}


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise Refused(f"{shown(value)} is not a text; put it in quotes")
    return list(items)


def _one_of(trees: list[Any]) -> Any:
    return trees[0] if len(trees) == 1 else {"or": trees}


def _same(name: str, strip: str = "") -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        return _one_of([{"ci_eq": [var(name), text.removeprefix(strip)]} for text in _texts(value)])

    return make


def _exact(name: str) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        texts = _texts(value)
        return {"==": [var(name), texts[0]]} if len(texts) == 1 else {"in": [var(name), texts]}

    return make


def _spoken(name: str, op: str) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) != {"re"} or not isinstance(value["re"], str):
                raise Refused('write a text, a list of texts, or {re: "a pattern"}')
            return {"re_test": [var(name), value["re"], "i"]}
        texts = _texts(value)
        if name == "command" and any(" " in text for text in texts):
            raise Refused("a command is one word; use text for more")
        return _one_of([{op: [var(name), visible(text)]} for text in texts])

    return make


def _role(value: Any) -> Any:
    trees = []
    for text in _texts(value):
        role = text.removeprefix(">=").strip()
        if role not in LADDER and (role not in _BESIDE_THE_LADDER or text.startswith(">=")):
            raise Refused(f'{shown(text)} is not a role: {", ".join(LADDER)}, or ">=vip" for that and those above{suggest(role, LADDER)}')
        trees.append(_role_tree(role, text.startswith(">=")))
    return _one_of(trees)


def _role_tree(role: str, or_above: bool) -> Any:
    if or_above:
        return {"role_at_least": [var("user.role"), role]}
    return {"==": [var("user.role"), role]} if role in LADDER else {"has_role": [role]}


def _tags(value: Any) -> Any:
    return _all([{"in": [text, var("user.tags")]} for text in _texts(value)])


def _flag(name: str) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if not isinstance(value, bool):
            raise Refused(f"{shown(value)} is neither true nor false")
        return {"==": [var(name), value]}

    return make


def _bits(value: Any) -> Any:
    found = _BITS.match(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    if found is None:
        raise Refused(f'{shown(value)} is not an amount; write 100 or ">=100"')
    return {found[1] or "==": [var("bits"), int(found[2])]}


_KEYS: Final[dict[str, Callable[[Any], Any]]] = {
    "type": _exact("type"),
    "platform": _same("platform"),
    "channel": _same("channel", "#"),
    "command": _spoken("command", "ci_eq"),
    "text": _spoken("text", "text_contains"),
    "user": _same("user.name", "@"),
    "role": _role,
    "tags": _tags,
    "live": _flag("live"),
    "first": _flag("first"),
    "first_session": _flag("first_session"),
    "reward": _exact("reward"),
    "bits": _bits,
}
KEYS: Final = (*_KEYS, "when", "any", "not")
"""Every key that may stand under ``match:``."""
