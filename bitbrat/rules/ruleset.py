"""A set of rules, in order, ready to be asked which one a message matches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bitbrat.errors import Problem
from bitbrat.rules.examples import TestResult, run_examples
from bitbrat.rules.explain import Explanation, evaluate, explain_condition, holds, tree_of, why_of
from bitbrat.rules.lint import required
from bitbrat.rules.model import Rule, short_hash
from bitbrat.rules.variables import Facts

OnFault = Callable[[Rule, str], None]


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that a message matched, why in one line, and the tree of the explanation (JSON, at most 4 KiB)."""

    rule: Rule
    why: str
    explain: dict[str, Any]

    @property
    def version(self) -> str:
        """The version of the rule: a short hash of what it does."""
        return self.rule.version

    def to_json(self) -> dict[str, Any]:
        """What is kept with the message."""
        return {"rule": self.rule.id, "version": self.version, "why": self.why, "explain": self.explain}


class Ruleset:
    """Rules in order of (priority, id); the first that matches counts. Immutable: a reload makes another one.

    ``warnings`` are the things that work but are probably not meant; ``hash`` changes when any rule does.
    """

    def __init__(self, rules: Iterable[Rule] = (), warnings: Iterable[Problem] = ()) -> None:
        self.rules: tuple[Rule, ...] = tuple(sorted(rules, key=lambda rule: rule.order))
        self.warnings: tuple[Problem, ...] = tuple(warnings)
        self.hash: str = short_hash([rule.version for rule in self.rules])
        self._index = _Index(rule for rule in self.rules if rule.enabled)
        self._by_id = {rule.id: rule for rule in self.rules}

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def get(self, rule_id: str) -> Rule | None:
        """The rule called ``rule_id``, or None."""
        return self._by_id.get(rule_id)

    def match(self, facts: Facts, *, fired: Collection[str] = (), on_fault: OnFault | None = None) -> Match | None:
        """The first rule that matches, or None; never raises.

        ``fired`` are the ids of rules that fired before on this message: they do not fire again. ``on_fault`` is told of each rule
        that could not be evaluated, with the reason; such a rule does not match.
        """
        for rule in self._index.candidates(facts):
            if rule.id in fired:
                continue
            found = holds(rule.condition, facts)
            if found is True:
                return Match(rule, why_of(rule.condition, facts), tree_of(rule.condition, facts))
            if found is None and on_fault is not None:
                on_fault(rule, evaluate(rule.condition, facts)[2])
        return None

    def explain(self, facts: Facts, *, fired: Collection[str] = ()) -> tuple[Explanation, ...]:
        """Every rule with this message, in order: which match, which almost did, and why."""
        return tuple(_explained(rule, facts, fired) for rule in self.rules)

    def run_tests(self) -> tuple[TestResult, ...]:
        """The rules' own examples, each through the whole set."""
        return run_examples(self.rules, lambda facts: self.match(facts))

    def to_json(self) -> list[dict[str, Any]]:
        """All rules as JSON, in order, in the form that ``load`` reads."""
        return [rule.to_json() for rule in self.rules]


def _explained(rule: Rule, facts: Facts, fired: Collection[str]) -> Explanation:
    found = explain_condition(rule.id, rule.version, rule.condition, facts)
    state = "disabled" if not rule.enabled else "fired" if rule.id in fired else ""
    return Explanation(rule.id, rule.version, state, f"({state}) {found.why}", found.tree, state) if state else found


class _Index:
    """Rules by the command and the type that they cannot do without, so that a message meets only those it might match."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._keyed = [(rule, required(rule.ast, "ci_eq", "command"), required(rule.ast, "==", "type")) for rule in rules]
        self._commands = {command for _, command, _ in self._keyed if command is not None}
        self._types = {kind for _, _, kind in self._keyed if kind is not None}
        self._cache: dict[tuple[str | None, str | None], tuple[Rule, ...]] = {}

    def candidates(self, facts: Facts) -> tuple[Rule, ...]:
        """The rules that may match, in order."""
        said, kind = facts["command"], facts["type"]
        said = said.casefold() if isinstance(said, str) else None
        key = (said if said in self._commands else None, kind if kind in self._types else None)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = tuple(
                rule for rule, command, wanted in self._keyed if command in (None, key[0]) and wanted in (None, key[1])
            )
        return found
