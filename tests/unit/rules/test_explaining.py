"""Every decision can be explained, in one line and as a tree, and the explanation is what was decided."""

from __future__ import annotations

import json

from bitbrat.rules.explain import explain_condition
from tests.unit.rules.helpers import chat, rules, when

QUEST = '- {id: quest-command, match: {command: "!quest", role: ">=viewer", live: true}}'


def test_the_line_says_which_condition_failed_and_why():
    """What is printed under NO MATCH: each condition with its mark, and the reason of the unknown one."""
    found = rules(QUEST).explain(chat("!quest"))[0]

    assert found.line == 'NO MATCH command=="!quest" ✓ role>=viewer ✓ live ? (live is unknown: no source for it yet)'
    assert found.result == "unknown"
    assert found.almost


def test_a_match_tells_why_in_one_line():
    """What ``trace`` prints beside the router."""
    found = rules(QUEST).match(chat("!quest", known={"live": True}))

    assert found.why == 'command=="!quest" ✓ role>=viewer ✓ live ✓'
    assert found.to_json()["version"] == found.rule.version


def test_the_tree_holds_what_was_compared():
    """Operator, expected, actual and result, as JSON."""
    tree = rules(QUEST).match(chat("!Quest", known={"live": True})).explain

    assert tree["op"] == "and"
    assert tree["result"] == "true"
    assert tree["of"][0] == {
        "op": "ci_eq",
        "result": "true",
        "text": 'command=="!quest"',
        "actual": {"command": "!Quest"},
        "expected": "!quest",
    }


def test_two_failed_conditions_are_not_almost():
    """Almost means one."""
    found = rules(QUEST).explain(chat("hello"))[0]

    assert (found.result, found.almost) == ("false", False)


def test_an_explanation_stays_under_four_kibibytes():
    """Whatever the rule and the message: it travels with the message."""
    parts = [{"text_contains": [{"var": "payload.long"}, "x" * 90 + str(n)]} for n in range(100)]
    trees = [{"and": parts}, {"or": [{"and": parts[:50]}, {"and": parts[50:]}, True]}, {"in": [{"var": "payload.long"}, ["é" * 900] * 30]}]

    for tree in trees:
        facts = chat("é" * 500, payload={"long": "é" * 5000, "list": ["é" * 500] * 500})
        found = explain_condition("r", "v", when(tree).rules[0].condition, facts)
        assert len(json.dumps(found.tree).encode()) <= 4096
        assert len(found.why) <= 500


def test_a_fault_is_part_of_the_explanation():
    """A rule that cannot be evaluated says what is wrong with it."""
    found = rules("- {id: r, match: {when: {'/': [1, {var: bits}]}}}").explain(chat("x"))[0]

    assert (found.result, found.reason) == ("error", "division by zero")
    assert "division by zero" in found.line


def test_conditions_read_like_sentences():
    """The phrases of the usual conditions."""
    text = """
- id: r
  match:
    text: hi
    user: ann
    bits: ">=5"
    first: false
    not: {role: vip}
    any: [{platform: twitch}, {tags: new}]
    when: {has_annotation: [mood, happy]}
"""
    found = rules(text).explain(chat("hi", payload={"bits": 5}))[0]

    assert found.why == (
        'text contains "hi" ✓ user=="ann" ✓ bits>=5 ✓ not(first) ✓ not(role=="vip") ✓ '
        '(platform=="twitch" or "new" in tags) ✓ has_annotation("mood", "happy") ✗'
    )
