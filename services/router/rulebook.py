"""The rules in force in this process. A change of the files is taken over as a whole, or not at all."""

from __future__ import annotations

import asyncio

from bitbrat.context import Log
from bitbrat.errors import Problem, RulesError
from bitbrat.rules import Ruleset, load_all
from bitbrat.topics import TopicRegistry
from services.router import files
from services.router.settings import DEFAULT_RULES, RouterSettings


class Rulebook:
    """``rules`` are in force; ``problems`` are what is wrong with the files as they are now (then the old rules stay)."""

    def __init__(self) -> None:
        self.rules = Ruleset()
        self.loaded = False
        self.problems: tuple[Problem, ...] = ()
        self.faults: dict[str, str] = {}
        self._stamp: files.Stamp | None = None

    @property
    def trouble(self) -> str:
        """What an operator should know, for the health page; empty when the rules in force are those of the files."""
        if not self.problems:
            return ""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"the rules were refused, {len(self.rules)} older ones are in force: {self.problems[0]}{more}"

    @property
    def health(self) -> dict[str, str]:
        """A line for the health page."""
        return {"rules": self.trouble or f"{len(self.rules)} in force, {self.rules.hash}"}

    def load(self, settings: RouterSettings, *, registry: TopicRegistry, log: Log) -> bool:
        """Read all files and take them over if nothing is wrong with them. False: the old rules stay."""
        optional = settings.rules == DEFAULT_RULES and not self.rules
        self.loaded = True
        try:
            self._stamp, texts = files.read(settings.rules, optional=optional)
            rules = load_all(texts, known_steps=_known(settings, registry))
        except RulesError as error:
            self._refuse(error, log)
            return False
        if rules.hash != self.rules.hash or self.problems:
            log.info("rules.loaded", count=len(rules), ruleset=rules.hash)
        for problem in rules.warnings:
            log.warning("rules.warning", code=problem.code, problem=str(problem))
        self.rules, self.problems, self.faults = rules, (), {}
        return True

    def changed(self, settings: RouterSettings) -> bool:
        """Whether the files are not what was looked at last."""
        return files.stamp(settings.rules, optional=settings.rules == DEFAULT_RULES and not self.rules) != self._stamp

    def fault(self, rule: str, reason: str, log: Log) -> None:
        """A rule could not be evaluated; it is said once for each reason, not once a message."""
        if self.faults.get(rule) != reason:
            log.warning("rules.fault", rule=rule, reason=reason)
        self.faults[rule] = reason

    def _refuse(self, error: RulesError, log: Log) -> None:
        problems = tuple(problem for problem in error.problems if problem.severity == "error")
        if problems != self.problems:
            for problem in problems:
                log.error("rules.refused", code=problem.code, problem=str(problem))
        if any(problem.code == "rules.unreadable" for problem in problems):
            self._stamp = None
        self.problems = problems


async def watch(book: Rulebook, settings: RouterSettings, *, registry: TopicRegistry, log: Log) -> None:
    """Keep ``book`` like its files, looking at them every ``reload_seconds``; ends only when it is cancelled."""
    while True:
        if not book.loaded or book.changed(settings) or _unreadable(book):
            book.load(settings, registry=registry, log=log)
        await asyncio.sleep(settings.reload_seconds)


def _unreadable(book: Rulebook) -> bool:
    return any(problem.code == "rules.unreadable" for problem in book.problems)


def _known(settings: RouterSettings, registry: TopicRegistry) -> set[str] | None:
    """The steps that a rule may name, or None when other processes may have more."""
    strict = registry.complete if settings.strict_steps is None else settings.strict_steps
    return set(registry.steps()) if strict else None
