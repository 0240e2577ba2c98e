"""Patterns that cannot make the router wait: refused at load unless their worst case is bounded.

The worst case is estimated from above. Every way through the alternatives is a path; on a path, two repeats are *ambiguous* when one
text can be divided between them in several ways (their characters overlap and nothing certain stands between them), and then
their widths multiply. Where a match may begin multiplies too, unless the pattern starts with ``^``. Input is cut at 500 characters.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from itertools import takewhile

from bitbrat.rules.pattern_parse import MAX_INPUT, Anchor, Atom, BadPattern, Choice, Item, Repeat, parse

MAX_COST = 1_000_000
MAX_PATHS = 200
MAX_REPEATS = 16

Path = tuple[Item, ...]


def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """A function that says whether ``pattern`` is found in the first 500 characters of a text.

    Raises :class:`BadPattern` (a ``ValueError``) when the pattern is not supported or could take long.
    """
    ways = paths(parse(pattern))
    if sum(cost(path) for path in ways) > MAX_COST:
        raise BadPattern(
            "the pattern could take long: two repeats can match the same characters; make one of them more exact, or begin with ^"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
        except (re.error, Warning, OverflowError, RecursionError) as error:
            raise BadPattern(f"not a regular expression: {error}") from None
    find = compiled.match if all(_anchored(path) for path in ways) else compiled.search
    return lambda text: find(text, 0, MAX_INPUT) is not None


def paths(items: Path) -> list[Path]:
    """Every way through the alternatives of ``items``. Raises :class:`BadPattern` when there are too many."""
    found: list[Path] = [()]
    for item in items:
        ways = [path for branch in item.branches for path in paths(branch)] if isinstance(item, Choice) else [(item,)]
        if len(found) * len(ways) > MAX_PATHS:
            raise BadPattern(f"there are more than {MAX_PATHS} ways through the alternatives")
        found = [before + way for before in found for way in ways]
    return found


def cost(path: Path) -> int:
    """How many steps a search along ``path`` can take at most, roughly and from above."""
    repeats = [i for i, item in enumerate(path) if isinstance(item, Repeat)]
    if len(repeats) > MAX_REPEATS:
        raise BadPattern(f"there are more than {MAX_REPEATS} repeats in a row")
    together = {i for i in repeats for j in repeats if i != j and _ambiguous(path, min(i, j), max(i, j))}
    product, alone = 1, 1
    for i in repeats:
        if i in together:
            product *= _width(path[i])
        else:
            alone = max(alone, _width(path[i]))
    return _starts(path) * (product * alone + len(path))


def _starts(path: Path) -> int:
    """How many places a match may get past its certain first characters: a prefix that cannot overlap itself fits in less often."""
    if _anchored(path):
        return 1
    prefix = [item.characters for item in takewhile(lambda item: not isinstance(item, (Repeat, Choice)), path) if isinstance(item, Atom)]
    shifts = range(1, len(prefix))
    shift = next((s for s in shifts if all(a & b for a, b in zip(prefix, prefix[s:], strict=False))), max(len(prefix), 1))
    return MAX_INPUT // shift + 1


def _anchored(path: Path) -> bool:
    return bool(path) and path[0] == Anchor("^")


def _width(item: Item) -> int:
    return item.high - item.low + 1 if isinstance(item, Repeat) else 1


def _ambiguous(path: Path, first: int, second: int) -> bool:
    left, right = path[first], path[second]
    if not isinstance(left, Repeat) or not isinstance(right, Repeat) or not left.characters & right.characters:
        return False
    return not any(
        _certain(item) and not item.characters & left.characters for item in path[first + 1 : second] if isinstance(item, (Atom, Repeat))
    )


def _certain(item: Item) -> bool:
    return isinstance(item, Atom) or (isinstance(item, Repeat) and item.low > 0)
