"""Random rules on random messages: only our own refusal at load, no exception at evaluation, and one answer from every side."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.errors import RulesError
from bitbrat.rules import load
from bitbrat.rules.compile import KNOWN
from bitbrat.rules.domain import LADDER, VALUE_OPERATORS
from bitbrat.rules.explain import evaluate, explain_condition
from bitbrat.rules.nodes import Node, constant, strict
from bitbrat.rules.operators import OPERATORS
from bitbrat.rules.shortcuts import shortcut
from bitbrat.rules.shorthand import KEYS
from bitbrat.rules.values import UNKNOWN
from tests.unit.rules.grammar import CONDITIONS
from tests.unit.rules.helpers import chat

MODEST = settings(max_examples=150, deadline=None)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.floats(-5, 5)
    | st.sampled_from(["", "a", "!x", "10", "ann", "vip", "5m", "2026-05-01T12:00:00Z"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "n", "text"]), inner, max_size=3),
    max_leaves=10,
)
VARIABLES = st.sampled_from(
    [
        "command",
        "text",
        "user.role",
        "user.tags",
        "live",
        "bits",
        "payload.a",
        "payload.a.b",
        "payload.n",
        "now",
        "nope",
        "payload.__class__",
    ]
)
FILE_KEYS = st.sampled_from(
    ["id", "match", "slip", "reply", "annotate", "cooldown", "deadline", "tests", "priority", "enabled", "when", "expect", *KEYS, *KNOWN]
)


def trees(inner: st.SearchStrategy) -> st.SearchStrategy:
    """Conditions made of our operators."""
    operator = st.sampled_from(sorted(KNOWN - {"var"}))
    return st.builds(lambda op, args: {op: args}, operator, st.lists(inner, max_size=3))


WILD = st.recursive(SCALARS | st.builds(lambda name: {"var": name}, VARIABLES), trees, max_leaves=12)
FACTS = st.builds(
    lambda text, payload, role: chat(text, payload=payload if isinstance(payload, dict) else {"a": payload}, role=role),
    st.sampled_from(["!x", "a b", ""]),
    JSON,
    st.sampled_from(LADDER),
)


def problems_of(text):
    """What is wrong with ``text``; whatever else is raised is a failure."""
    try:
        return load(text, file="f").warnings
    except RulesError as error:
        return error.problems


@MODEST
@given(st.text(max_size=200) | st.binary(max_size=200) | st.text(alphabet="-:{}[]'\"!&*|> \n#idmatchwen", max_size=120))
def test_any_text_loads_or_is_refused(text):
    """Nothing but :class:`RulesError`, with a place for each problem."""
    found = problems_of(text)

    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)


@MODEST
@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FILE_KEYS, inner, max_size=6), max_leaves=30))
def test_any_json_loads_or_is_refused(data):
    """With the right keys in the wrong places, too."""
    for text in (json.dumps(data), json.dumps([data]), json.dumps([{"id": "r", "match": data}])):
        assert all(problem.code.startswith("rules.") for problem in problems_of(text))


@MODEST
@given(CONDITIONS | WILD, FACTS)
def test_what_loads_evaluates_and_is_explained_the_same(tree, facts):
    """YAML, tree, match and explanation agree; evaluation never raises."""
    try:
        ruleset = load(json.dumps([{"id": "r", "match": {"when": tree}}]), file="f")
    except RulesError:
        return
    node = ruleset.rules[0].condition
    result = evaluate(node, facts)[0]
    found = ruleset.match(facts)
    told = explain_condition("r", "v", node, facts)

    assert ruleset.rules[0].ast == tree
    assert (found is not None) == (result == "true")
    assert told.result == result == told.tree["result"]
    assert len(json.dumps(told.tree)) <= 4096
    assert load(json.dumps(ruleset.to_json()), file="g").hash == ruleset.hash


VALUES = SCALARS | st.just(UNKNOWN) | st.lists(SCALARS, max_size=2)


@MODEST
@given(
    st.sampled_from(["ci_eq", "==", "text_contains", "role_at_least"]), VALUES, st.sampled_from(["", "a", "ANN", "vip", "10", True, False])
)
def test_a_shortcut_gives_what_the_general_way_gives(op, value, wanted):
    """Faster, not different."""
    if op == "role_at_least" and wanted not in LADDER:
        wanted = "moderator"
    args = (Node("var", lambda facts: facts["payload.a"], value="payload.a"), constant(wanted))
    quick = shortcut(op, args)
    slow = strict({**OPERATORS, **VALUE_OPERATORS}[op].apply, args)
    facts = chat(known={"payload.a": value})

    assert quick is None or quick(facts) is slow(facts)


MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "command": st.sampled_from(["!x", "!X", "!y", ["!x", "!y"]]),
        "type": st.sampled_from(["external.chat.message.v1", "external.other.v1"]),
        "text": st.sampled_from(["x", "b"]),
        "role": st.sampled_from([">=vip", "viewer"]),
    },
)


@MODEST
@given(st.lists(MATCHES, min_size=1, max_size=8), st.sampled_from(["!x", "!Y b", "b", ""]), st.sampled_from(["viewer", "moderator"]))
def test_the_index_finds_what_trying_every_rule_finds(matches, text, role):
    """The rules that it leaves out could not have matched."""
    ruleset = load(json.dumps([{"id": f"r{n}", "priority": n % 3, "match": match} for n, match in enumerate(matches)]), file="f")
    facts = chat(text, role=role)
    found = ruleset.match(facts)
    expected = next((rule.id for rule in ruleset if evaluate(rule.condition, facts)[0] == "true"), None)

    assert (found.rule.id if found else None) == expected
