"""Rows 82 to 85 of the bad inputs: every one is refused with its code, its line and its column, and nothing else happens."""

from __future__ import annotations

import json

import pytest

from bitbrat.errors import RulesError
from bitbrat.rules import load
from tests.unit.rules.helpers import problems, rules
from tests.unit.rules.patterns_evil import EVIL

GOOD = "- {id: good, match: {command: ping}}\n"
BOMB = "- &a [x, x]\n- &b [*a, *a]\n- &c [*b, *b]\n- [*c, *c]\n"

ROW_82 = {
    "82-tabs": ("- id: x\n\tmatch: {}\n", 2, 1),
    "82-tab-after-a-colon": ("- id:\tx\n  match: {}\n", 1, 6),
    "82-duplicate-keys": ("- id: x\n  match: {}\n  id: y\n", 3, 3),
    "82-duplicate-keys-in-a-condition": ("- id: x\n  match: {when: {or: [true], or: [false]}}\n", 2, 30),
    "82-alias-bomb": (BOMB, 1, 3),
    "82-merge-key": ("- &a {id: x, match: {}}\n- <<: *a\n", 1, 3),
    "82-python-object": ("- !!python/object/apply:os.system ['true']\n", 1, 3),
    "82-own-tag": ("- !rule {id: x, match: {}}\n", 1, 3),
    "82-50-MB": ("x" * 50_000_000, 1, 1),
    "82-one-byte-over-1-MiB": ("#" * (1024 * 1024 + 1), 1, 1),
    "82-BOM": (b"\xef\xbb\xbf" + GOOD.encode(), 1, 1),
    "82-BOM-as-text": ("\ufeff" + GOOD, 1, 1),
    "82-UTF-16": (GOOD.encode("utf-16"), 1, 1),
    "82-not-UTF-8": (b"- id: caf\xe9\n  match: {}\n", 1, 10),
    "82-CRLF": ("- id: x\r\n  match: {}\r\n", 1, 8),
    "82-NUL": ("- id: x\n  match: {text: 'a\0b'}\n", 2, 19),
    "82-NUL-escaped": ('- id: x\n  match: {text: "a\\0b"}\n', 2, 17),
    "82-surrogate-escaped": ('- id: x\n  match: {text: "\\ud800"}\n', 2, 17),
    "82-impossible-escape": ('- id: x\n  match: {text: "\\UFFFFFFFF"}\n', 1, 1),
    "82-unquoted-on-key": ("- on: x\n  id: a\n  match: {}\n", 1, 3),
    "82-unquoted-yes-value": ("- id: x\n  match: {live: yes}\n", 2, 17),
    "82-unquoted-off-value": ("- id: x\n  enabled: OFF\n  match: {}\n", 2, 12),
    "82-unclosed-bracket": ("- id: x\n  match: {command: '!x'\n", 3, 1),
    "82-two-documents": (GOOD + "---\n" + GOOD, 2, 1),
    "82-key-that-is-a-list": ("- {id: x, [a, b]: c, match: {}}\n", 1, 11),
    "82-not-a-finite-number": ("- {id: x, priority: .inf, match: {}}\n", 1, 21),
    "82-empty": ("", 1, 1),
    "82-only-a-comment": ("# nothing\n", 1, 1),
}


@pytest.mark.parametrize(("text", "line", "column"), ROW_82.values(), ids=ROW_82.keys())
def test_bad_yaml_is_refused_with_its_place(text, line, column):
    """``rules.bad_yaml`` with the line and the column of the first fault."""
    found = problems(text)

    assert found[0].code == "rules.bad_yaml"
    assert (found[0].line, found[0].column) == (line, column)
    assert found[0].file == "rules.yaml"


def test_82_a_quoted_on_is_a_text():
    """Quoted, the words that YAML 1.1 takes for booleans are words."""
    assert rules("- {id: x, match: {text: ['on', \"yes\"]}}").rules[0].ast["or"][0] == {"text_contains": [{"var": "text"}, "on"]}


ROW_83_ERRORS = {
    "83-unknown-service": ("- {id: x, match: {}, slip: [quests]}", "rules.unknown_service"),
    "83-platform-service": ("- {id: x, match: {}, slip: [egress]}", "rules.unknown_service"),
    "83-cycle-by-the-router": ("- {id: x, match: {}, slip: [router]}", "rules.cycle"),
    "83-cycle-by-a-reroute": ("- {id: x, match: {}, slip: [quest, reroute]}", "rules.cycle"),
    "83-cycle-by-ingress": ("- {id: x, match: {}, slip: [{step: ingress}]}", "rules.cycle"),
    "83-one-id-twice": ("- {id: x, match: {text: a}}\n- {id: x, match: {text: b}}", "rules.duplicate_id"),
}


@pytest.mark.parametrize(("text", "code"), ROW_83_ERRORS.values(), ids=ROW_83_ERRORS.keys())
def test_slips_that_lead_nowhere_are_errors(text, code):
    """A slip names steps that exist, and never the way back to the router."""
    assert code in [problem.code for problem in problems(text, known_steps=["quest", "greeter"])]


ROW_83_WARNINGS = {
    "83-two-rules-of-one-priority": ("- {id: a, match: {text: x}}\n- {id: b, match: {text: y}}", "rules.same_priority", "b"),
    "83-unreachable-behind-everything": ("- {id: a, priority: 1, match: {}}\n- {id: b, match: {text: x}}", "rules.unreachable", "b"),
    "83-unreachable-behind-a-wider-rule": (
        "- {id: a, priority: 1, match: {command: x}}\n- {id: b, match: {role: '>=vip', command: x}}",
        "rules.unreachable",
        "b",
    ),
    "83-a-variable-without-a-source": ("- {id: a, match: {live: true}}", "rules.no_source", "a"),
}


@pytest.mark.parametrize(("text", "code", "rule"), ROW_83_WARNINGS.values(), ids=ROW_83_WARNINGS.keys())
def test_rules_in_each_others_way_are_warnings(text, code, rule):
    """They load, and the set says what is odd about them."""
    warnings = rules(text).warnings

    assert [(warning.code, warning.rule, warning.severity) for warning in warnings] == [(code, rule, "warning")]


def test_83_errors_and_warnings_come_together():
    """One load names all of them, errors first."""
    found = problems("- {id: a, match: {}}\n- {id: b, match: {text: x}}\n- {id: c, match: {nope: 1}}\n- {id: d, match: {}, slip: [router]}")

    assert [problem.severity for problem in found[:2]] == ["error", "error"]
    assert {problem.code for problem in found} >= {"rules.unknown_key", "rules.cycle", "rules.unreachable", "rules.same_priority"}


def test_83_rules_that_no_message_can_share_get_no_warning():
    """Two commands never meet, so their order does not matter."""
    assert rules("- {id: a, match: {command: x}}\n- {id: b, match: {command: y}}").warnings == ()


def condition(tree: object) -> str:
    """A file with one rule that has this JsonLogic condition."""
    return json.dumps([{"id": "x", "match": {"when": tree}}])


ROW_84 = {
    "84-unknown-operator": condition({"frobnicate": [1, 2]}),
    "84-operator-that-would-log": condition({"log": ["x"]}),
    "84-operator-that-would-call": condition({"method": [{"var": "text"}, "upper"]}),
    "84-type-error-in-arithmetic": condition({"+": [1, "one"]}),
    "84-type-error-null": condition({"-": [None, 1]}),
    "84-type-error-in-order": condition({"<": [{"var": "bits"}, [1]]}),
    "84-type-error-pattern-is-a-number": condition({"re_test": [{"var": "text"}, 5]}),
    "84-type-error-ci-eq": condition({"ci_eq": [{"var": "text"}, 5]}),
    "84-type-error-role": condition({"role_at_least": [{"var": "user.role"}, "king"]}),
    "84-type-error-time": condition({"before": [{"var": "now"}, "yesterday"]}),
    "84-type-error-duration": condition({"within": [{"var": "timestamp"}, "5"]}),
    "84-too-few-arguments": condition({"==": [1]}),
    "84-too-many-arguments": condition({"==": [1, 2, 3]}),
    "84-two-operators-in-one": condition({"==": [1, 1], "!=": [1, 2]}),
    "84-10^6-character-literal": condition({"==": [{"var": "text"}, "x" * 1_000_000]}),
    "84-10^6-digit-number": "- {id: x, match: {bits: " + "9" * 1_000_000 + "}}",
    "84-number-over-2^53": condition({"==": [{"var": "bits"}, 2**60]}),
    "84-9**9**9-as-text": condition("9**9**9"),
    "84-9**9**9-as-operator": condition({"**": [9, {"**": [9, 9]}]}),
    "84-lambda": condition("lambda: 1"),
    "84-comprehension": condition("[x for x in range(10**9)]"),
    "84-deep-nesting": "- {id: x, match: {when: " + '{"!": ' * 30 + "true" + "}" * 30 + "}}",
    "84-very-deep-nesting": "- " + "[" * 100_000,
    "84-more-than-1000-parts": condition({"and": [{"or": [{"==": [{"var": "text"}, "x"]}] * 60}] * 20}),
    "84-list-of-2000": condition({"in": [{"var": "text"}, ["x"] * 2000]}),
    "84-variable-that-is-computed": condition({"==": [{"var": {"cat": ["te", "xt"]}}, "x"]}),
    "84-pattern-that-is-computed": condition({"re_test": [{"var": "text"}, {"var": "args"}]}),
    "84-pattern-from-the-shorthand": "- {id: x, match: {text: {re: '(a+)+$'}}}",
}


@pytest.mark.parametrize("text", ROW_84.values(), ids=ROW_84.keys())
def test_unsafe_conditions_are_refused(text):
    """``rules.unsafe`` at load: they never run."""
    found = problems(text)

    assert found[0].code == "rules.unsafe"
    assert {problem.code for problem in found} <= {"rules.unsafe", "rules.bad_rule"}
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)


@pytest.mark.parametrize("pattern", EVIL, ids=[f"84-pattern-{number}" for number in range(1, len(EVIL) + 1)])
def test_evil_patterns_are_refused(pattern):
    """Forty patterns that make a backtracking engine wait: none gets in."""
    found = problems(condition({"re_test": [{"var": "text"}, pattern]}))

    assert [problem.code for problem in found] == ["rules.unsafe"]


ROW_85 = {
    "85-cut-in-a-rule": GOOD + "- {id: other, mat",
    "85-cut-to-nothing": "",
    "85-cut-in-a-quote": GOOD + "- {id: other, match: {text: 'x",
    "85-cut-after-an-id": GOOD + "- id: other\n",
    "85-half-a-character": (GOOD + "- {id: o, match: {text: é").encode()[:-1],
}


@pytest.mark.parametrize("text", ROW_85.values(), ids=ROW_85.keys())
def test_a_file_cut_in_mid_write_is_refused(text):
    """Half a file is not a smaller set of rules: whoever holds the old ones keeps them."""
    old = rules(GOOD)

    with pytest.raises(RulesError):
        load(text, file="rules.yaml")
    assert [rule.id for rule in old] == ["good"]
