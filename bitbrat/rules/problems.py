"""Where something stands in a rules file, and the list of everything that is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from bitbrat.errors import Problem, RulesError

MAX_PROBLEMS = 200
"""More than this many are counted, not kept: a hostile file must not fill the memory with our own sentences."""


class Mark(NamedTuple):
    """A place in a file: line and column, both from 1."""

    line: int = 0
    column: int = 0


NOWHERE = Mark()
"""Not in a file."""


class Sink:
    """Collects the problems of one load, so that the author sees all of them at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rule = ""
        self.problems: list[Problem] = []
        self.errors = 0

    def add(self, code: str, message: str, mark: Mark) -> None:
        """Note one problem of the rule that is being read."""
        self.errors += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(code, message, self.file, mark.line, mark.column, self.rule))

    @property
    def failed(self) -> bool:
        """Whether there is at least one error."""
        return self.errors > 0


def refuse(problems: Iterable[Problem]) -> None:
    """Raise :class:`RulesError` with every problem, errors first, if there is an error among them."""
    found = sorted(problems, key=lambda p: (p.severity != "error", p.file, p.line, p.column))
    if found and found[0].severity == "error":
        raise RulesError(found)


def suggest(word: str, choices: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest choice, or nothing."""
    near = difflib.get_close_matches(word[:64], list(choices), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def shown(value: object, limit: int = 40) -> str:
    """``value`` as a short piece of an error message."""
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "…"
