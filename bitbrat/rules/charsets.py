"""Sets of characters as bit masks, for reasoning about patterns: a bit for each ASCII character, four for all the others.

The reasoning only ever needs "certainly have nothing in common", so a character outside ASCII counts as its kind: a digit, another
letter of words, a space, or the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_DIGIT, _LETTER, _SPACE, _REST = (1 << bit for bit in range(128, 132))
OTHERS: Final = _DIGIT | _LETTER | _SPACE | _REST
ALL: Final = (1 << 132) - 1
_LONG = "iksIKS"
"""Letters that other letters outside ASCII turn into when case is ignored (``ı``, the Kelvin sign, ``ſ``)."""
_FOLDS = {"ı": "i", "İ": "i", "ſ": "s", "\u212a": "k"}


def one(character: str) -> int:
    """The set of this character, in both cases: patterns may ignore case."""
    if ord(character) >= 128:
        return _kind(character) | several(_FOLDS.get(character, ""))
    both = (1 << ord(character.lower())) | (1 << ord(character.upper()))
    return both | _LETTER if character in _LONG else both


def span(first: str, last: str) -> int:
    """The set of the characters from ``first`` to ``last``; what lies outside ASCII counts as every kind."""
    found = OTHERS if ord(last) >= 128 else 0
    return found | several(chr(code) for code in range(ord(first), min(ord(last), 127) + 1))


def exactly(first: str, last: str) -> int:
    """The ASCII characters from ``first`` to ``last`` in just this case: what is matched whether case counts or not."""
    found = 0
    for code in range(ord(first), min(ord(last), 127) + 1):
        found |= 1 << code
    return found


def several(characters: Iterable[str]) -> int:
    """The set of these characters."""
    found = 0
    for character in characters:
        found |= one(character)
    return found


def but(characters: int) -> int:
    """Everything else. What is outside ASCII stays in, because a kind stands for many characters."""
    return (ALL & ~characters) | OTHERS


def _kind(character: str) -> int:
    if character.isdecimal():
        return _DIGIT
    if character.isalnum():
        return _LETTER
    return _SPACE if character.isspace() else _REST


_DIGITS: Final = span("0", "9") | _DIGIT
_SPACES: Final = several(" \t\n\r\f\v\x1c\x1d\x1e\x1f") | _SPACE
_WORDS: Final = span("a", "z") | span("0", "9") | one("_") | _LETTER | _DIGIT

CLASSES: Final[dict[str, int]] = {
    "d": _DIGITS,
    "s": _SPACES,
    "w": _WORDS,
    "D": ALL & ~_DIGITS,
    "S": ALL & ~_SPACES,
    "W": ALL & ~_WORDS,
}
DOT: Final = but(1 << ord("\n"))
