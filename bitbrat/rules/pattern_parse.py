"""Reads the part of regular expressions that we can reason about, and refuses the rest with a sentence.

In: literals, escapes, classes, ``.``, anchors, groups, alternatives, and the repeats ``* + ? {m,n}``, greedy or lazy. Out: back
references, look-around, inline flags, possessive repeats, repeats within repeats.
"""

from __future__ import annotations

from typing import NamedTuple

from bitbrat.rules.charsets import CLASSES, DOT, but, exactly, one, span

MAX_LENGTH = 200
MAX_INPUT = 500
MAX_COUNT = 100
MAX_GROUPS = 10

_ANCHORS = {"b": "b", "B": "b", "A": "^", "Z": "$"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


class BadPattern(ValueError):
    """A pattern that is not accepted, and why."""


class Atom(NamedTuple):
    """One character out of a set."""

    characters: int


class Anchor(NamedTuple):
    """A place, not a character."""

    kind: str


class Repeat(NamedTuple):
    """Between ``low`` and ``high`` characters (or fixed groups of them) out of a set."""

    characters: int
    low: int
    high: int


class Choice(NamedTuple):
    """One of several sequences."""

    branches: tuple[tuple[Item, ...], ...]


Item = Atom | Anchor | Repeat | Choice


def parse(pattern: str) -> tuple[Item, ...]:
    """The items of ``pattern`` in order. Raises :class:`BadPattern`."""
    if len(pattern) > MAX_LENGTH:
        raise BadPattern(f"the pattern is longer than {MAX_LENGTH} characters")
    parser = _Parser(pattern)
    branches = parser.branches()
    if parser.rest:
        raise BadPattern("there is a ) too many")
    return branches[0] if len(branches) == 1 else (Choice(branches),)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0

    @property
    def rest(self) -> str:
        return self._text[self._at :]

    def branches(self) -> tuple[tuple[Item, ...], ...]:
        found = [self._sequence()]
        while self.rest.startswith("|"):
            self._at += 1
            found.append(self._sequence())
        return tuple(found)

    def _next(self) -> str:
        if not self.rest:
            raise BadPattern("the pattern ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _sequence(self) -> tuple[Item, ...]:
        items: list[Item] = []
        while self.rest and self.rest[0] not in "|)":
            items.extend(self._repeated(self._item()))
        return tuple(items)

    def _item(self) -> Item:
        character = self._next()
        if character in "*+?{":
            raise BadPattern(f"{character} has nothing to repeat, or repeats a repeat; write \\{character} for the character")
        if character == "(":
            return self._group()
        if character == "[":
            return Atom(self._class())
        if character == "\\":
            return self._escape()
        if character in "^$":
            return Anchor(character)
        return Atom(DOT if character == "." else one(character))

    def _group(self) -> Choice:
        self._depth += 1
        if self._depth > MAX_GROUPS:
            raise BadPattern(f"groups are nested deeper than {MAX_GROUPS}")
        if self.rest.startswith("?:"):
            self._at += 2
        elif self.rest.startswith("?"):
            raise BadPattern("look-around, named groups, back references and inline flags are not supported")
        found = Choice(self.branches())
        if self._next() != ")":
            raise BadPattern("a ( is never closed")
        self._depth -= 1
        return found

    def _escape(self) -> Item:
        character = self._next()
        if character in _ANCHORS:
            return Anchor(_ANCHORS[character])
        return Atom(CLASSES.get(character) or one(self._escaped(character)))

    def _escaped(self, character: str) -> str:
        if character.isdigit():
            raise BadPattern("back references are not supported")
        if character in _ESCAPES:
            return _ESCAPES[character]
        if character.isalnum():
            raise BadPattern(f"the escape \\{character} is not supported")
        return character

    def _class(self) -> int:
        negated = self.rest.startswith("^")
        self._at += negated
        found, certain, first = 0, 0, True
        while first or not self.rest.startswith("]"):
            member, surely = self._member()
            found, certain, first = found | member, certain | surely, False
        self._at += 1
        return but(certain) if negated else found

    def _member(self) -> tuple[int, int]:
        """What a member of a class may match, and what it matches in any case: a negated class excludes only the latter."""
        low = self._class_character()
        if isinstance(low, int):
            return low, low
        if not self.rest.startswith("-") or self.rest.startswith("-]"):
            return one(low), exactly(low, low)
        self._at += 1
        high = self._class_character()
        if isinstance(high, int) or high < low:
            raise BadPattern("a range in a class must go from a character to a later one")
        return span(low, high), exactly(low, high)

    def _class_character(self) -> int | str:
        character = self._next()
        if character in "[&~|" or (character == "-" and self.rest.startswith("-")):
            raise BadPattern(f"write \\{character} for the character {character} in a class")
        if character != "\\":
            return character
        escaped = self._next()
        return CLASSES.get(escaped) or self._escaped(escaped)

    def _repeated(self, item: Item) -> tuple[Item, ...]:
        bounds = self._bounds()
        if bounds is None:
            return item.branches[0] if isinstance(item, Choice) and len(item.branches) == 1 else (item,)
        if self.rest.startswith("?"):
            self._at += 1
        if self.rest and self.rest[0] in "*+?{":
            raise BadPattern("a repeat of a repeat is not supported")
        return repeat(item, *bounds)

    def _bounds(self) -> tuple[int, int] | None:
        simple = {"*": (0, MAX_INPUT), "+": (1, MAX_INPUT), "?": (0, 1)}.get(self.rest[:1])
        if simple is not None:
            self._at += 1
            return simple
        return self._counted() if self.rest.startswith("{") else None

    def _counted(self) -> tuple[int, int]:
        inside, closed, _ = self.rest[1:].partition("}")
        low, comma, high = inside.partition(",")
        if (
            not closed
            or not all(part == "" or (part.isascii() and part.isdigit() and len(part) <= 4) for part in (low, high))
            or not (low or high)
        ):
            raise BadPattern("write \\{ for the character {")
        self._at += len(inside) + 2
        least, most = int(low or 0), int(high or (MAX_INPUT if comma else low))
        if least > MAX_COUNT or (high and most > MAX_COUNT) or least > most:
            raise BadPattern(f"a counted repeat goes up to {MAX_COUNT}")
        return least, most


def repeat(item: Item, low: int, high: int) -> tuple[Item, ...]:
    """``item`` repeated. Raises :class:`BadPattern` when one text could be matched in more than one way by it."""
    if isinstance(item, Atom):
        return (Repeat(item.characters, low, high),)
    if not isinstance(item, Choice):
        raise BadPattern("an anchor cannot be repeated")
    if high <= 1:
        return (Choice((*item.branches, ())) if low == 0 else item,)
    firsts, everything = 0, 0
    for branch in item.branches:
        first, characters = _fixed(branch)
        if first & firsts:
            raise BadPattern("two alternatives under a repeat can begin with the same character")
        firsts |= first
        everything |= characters
    return (Repeat(everything, low, high),)


def _fixed(branch: tuple[Item, ...]) -> tuple[int, int]:
    """The first character's set and the union of all, of a branch without repeats in it."""
    atoms = [item for item in branch if isinstance(item, Atom)]
    if len(atoms) != len(branch):
        raise BadPattern("a repeat, an anchor or alternatives within a repeat are not supported")
    if not atoms:
        raise BadPattern("a repeated group can be empty")
    union = 0
    for atom in atoms:
        union |= atom.characters
    return atoms[0].characters, union
