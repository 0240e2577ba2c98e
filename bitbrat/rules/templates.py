"""Reply templates: plain text with ``{user.displayName}``-like variables out of an allow-list.

Our own substitution: no formatting language, no attributes, no expressions, and what is put in is never looked at again. ``{{`` is a
brace. ``{random:a|b|c}`` is one of the words; ``{1}`` to ``{9}`` are the words after the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bitbrat.rules.problems import suggest
from bitbrat.rules.values import UNKNOWN, to_text
from bitbrat.rules.variables import check_path

MAX_TEMPLATE = 2_000
MAX_RENDERED = 2_000

TEMPLATE_VARIABLES: Final = (
    "args",
    "bits",
    "channel",
    "command",
    "count",
    "platform",
    "reward",
    "text",
    "user.displayName",
    "user.id",
    "user.name",
    "user.role",
)
"""The names that a template may use, besides ``1`` to ``9``, ``random:…`` and paths below ``payload``."""

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def template_problems(template: str, extra: Iterable[str] = ()) -> list[str]:
    """Everything that is wrong with ``template``, a sentence each. ``extra`` names are allowed besides the usual ones."""
    problems = [] if len(template) <= MAX_TEMPLATE else [f"a reply may have {MAX_TEMPLATE} characters"]
    names = (*TEMPLATE_VARIABLES, *extra)
    for part in _PART.finditer(template[:MAX_TEMPLATE]):
        if part.group() in ("{", "}"):
            problems.append(f"a lone {part.group()}; write {part.group() * 2} for the character")
        elif part[1] is not None and (problem := _wrong(part[1], names)):
            problems.append(problem)
    return problems


def render(template: str, variables: Mapping[str, Any], *, random: float = 0.0) -> str:
    """``template`` with its variables filled in; never raises.

    ``variables`` is a mapping or the message's ``Facts``; ``random`` in [0, 1) decides ``{random:…}``. A name that nothing is known
    about becomes nothing. Control characters of what is put in become spaces; the result is cut at 2,000 characters.
    """

    def fill(part: re.Match[str]) -> str:
        if part.group() in ("{{", "}}"):
            return part.group()[0]
        return part.group() if part[1] is None else _value(part[1], variables, random)

    return _PART.sub(fill, template)[:MAX_RENDERED]


def choose_reply(replies: Sequence[object], last: int | None, random: float) -> int:
    """Which of ``replies`` to use: any but the ``last`` one, by ``random`` in [0, 1). A single reply is repeated."""
    count = len(replies)
    if count < 2:
        return 0
    if last is None or not 0 <= last < count:
        return min(int(random * count), count - 1)
    chosen = min(int(random * (count - 1)), count - 2)
    return chosen + (chosen >= last)


def _wrong(name: str, names: Sequence[str]) -> str | None:
    if name in names or _is_word(name) or (name.startswith("random:") and "|" in name):
        return None
    if name.startswith("payload."):
        return check_path(name)
    return f"there is no variable {{{name[:60]}}}{suggest(name, names)}"


def _is_word(name: str) -> bool:
    return len(name) == 1 and name in "123456789"


def _value(name: str, variables: Mapping[str, Any], random: float) -> str:
    if name.startswith("random:"):
        words = name.removeprefix("random:").split("|")
        return words[min(int(random * len(words)), len(words) - 1)]
    if _is_word(name):
        words = to_text(_look_up("args", variables)).split()
        return _clean(words[int(name) - 1]) if len(words) >= int(name) else ""
    return _clean(_look_up(name, variables))


def _look_up(name: str, variables: Mapping[str, Any]) -> Any:
    try:
        return variables[name]
    except KeyError:
        return None


def _clean(value: Any) -> str:
    return "" if value is UNKNOWN or isinstance(value, dict) else _CONTROL.sub(" ", to_text(value))
