"""Loads rules from text. Pure: whoever calls reads the files, and keeps the old rules when this raises."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bitbrat.errors import Problem
from bitbrat.rules.lint import lint
from bitbrat.rules.model import Rule
from bitbrat.rules.problems import Sink, refuse
from bitbrat.rules.reader import read_rules
from bitbrat.rules.ruleset import Ruleset


def load(text: str | bytes, *, file: str, known_steps: Collection[str] | None = None) -> Ruleset:
    """The rules in ``text``; ``file`` is the name that problems are reported under.

    With ``known_steps`` (the steps of this deployment), a slip may name those only. Raises :class:`bitbrat.errors.RulesError` that holds
    *every* problem, with line and column; warnings alone do not raise and are on the set.
    """
    return load_all({file: text}, known_steps=known_steps)


def load_all(files: Mapping[str, str | bytes], *, known_steps: Collection[str] | None = None) -> Ruleset:
    """The rules of several files as one set: their ids must differ across all of them. Raises as :func:`load` does."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for file, text in sorted(files.items()):
        sink = Sink(file)
        rules.extend(read_rules(text, sink, known_steps))
        problems.extend(sink.problems)
    problems.extend(lint(rules))
    refuse(problems)
    return Ruleset(rules, problems)
