"""JsonLogic as we have it: one table, because ports of it disagree about loose equality."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bitbrat.errors import RulesError
from bitbrat.rules.explain import evaluate
from tests.unit.rules.helpers import chat, when

TABLE = json.loads((Path(__file__).parent / "jsonlogic_conformance.json").read_text())
CASES = [(area, *case) for area, cases in TABLE["cases"] for case in cases]


def value_of(tree, payload):
    """What ``tree`` gives for a message with ``payload``."""
    try:
        node = when({"or": [tree]}).rules[0].condition.args[0]
    except RulesError:
        return "refused"
    result, value, _ = evaluate(node, chat(payload=payload))
    return "fault" if result == "error" else value


@pytest.mark.parametrize(("area", "tree", "payload", "expected"), CASES, ids=[f"{c[0]}: {json.dumps(c[1])[:60]}" for c in CASES])
def test_the_table_holds(area, tree, payload, expected):
    """Each row gives its value, with its type."""
    value = value_of(tree, payload)

    assert json.dumps(value) == json.dumps(expected)


def test_the_table_covers_every_operator_of_jsonlogic():
    """No operator is left to chance."""
    logic = {"if", "?:", "==", "===", "!=", "!==", "!", "!!", "or", "and", ">", ">=", "<", "<="}
    numbers = {"max", "min", "+", "-", "*", "/", "%"}
    rest = {"var", "missing", "missing_some", "map", "reduce", "filter", "all", "none", "some", "merge", "in", "cat", "substr", "log"}

    def names(tree):
        if isinstance(tree, dict):
            return set(tree).union(*(names(value) for value in tree.values()))
        return set().union(*(names(item) for item in tree)) if isinstance(tree, list) else set()

    assert logic | numbers | rest <= set().union(*(names(case[1]) for case in CASES))
