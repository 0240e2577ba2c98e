"""Routing rules: when a message looks like this, do that. YAML in, closures out, and an explanation for every decision.

Pure: no files, no clock, no network, no logging. ``load`` reads rules, ``Ruleset.match`` decides, ``Ruleset.explain`` says why.
"""

from bitbrat.rules.examples import TestResult
from bitbrat.rules.explain import Explanation
from bitbrat.rules.loading import load, load_all
from bitbrat.rules.model import Cooldown, Example, Expectation, Note, ReplyTemplate, Rule, Step
from bitbrat.rules.ruleset import Match, Ruleset
from bitbrat.rules.templates import TEMPLATE_VARIABLES, choose_reply, render, template_problems
from bitbrat.rules.values import UNKNOWN
from bitbrat.rules.variables import VARIABLES, Facts

__all__ = [
    "TEMPLATE_VARIABLES",
    "UNKNOWN",
    "VARIABLES",
    "Cooldown",
    "Example",
    "Expectation",
    "Explanation",
    "Facts",
    "Match",
    "Note",
    "ReplyTemplate",
    "Rule",
    "Ruleset",
    "Step",
    "TestResult",
    "choose_reply",
    "load",
    "load_all",
    "render",
    "template_problems",
]
