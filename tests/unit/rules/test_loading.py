"""Loading rules: the shorthand becomes the tree that is stored, and every problem is named at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bitbrat.catalogue import CATALOGUE
from bitbrat.errors import RulesError
from bitbrat.rules import load, load_all
from tests.unit.rules.helpers import problems, rules

EXAMPLE = Path(__file__).parents[3] / "rules" / "example.yaml"

QUEST = """
- id: quest-command
  match: {command: "!quest", role: ">=viewer", live: true}
  cooldown: {user: 5s, reply: once}        # silent | react | once
  slip: [quest]                            # steps only: a reply goes to egress by itself
  tests:
    - say: "!quest"
      expect: {slip: [quest]}
    - say: "quest please"
      expect: {match: false}
"""


def test_the_quest_rule_has_exactly_the_printed_tree():
    """The shorthand of the documentation's example becomes the tree printed beside it, in plain JSON."""
    rule = rules(QUEST).rules[0]

    assert json.dumps(rule.ast) == (
        '{"and": [{"ci_eq": [{"var": "command"}, "!quest"]}, {"role_at_least": [{"var": "user.role"}, "viewer"]}, '
        '{"==": [{"var": "live"}, true]}]}'
    )
    assert (rule.cooldown.user, rule.cooldown.everybody, rule.cooldown.reply) == (5.0, 0.0, "once")
    assert [step.step for step in rule.slip] == ["quest"]


def test_the_quest_rules_own_tests_pass():
    """The examples of that rule pass."""
    results = rules(QUEST).run_tests()

    assert [(result.passed, result.message) for result in results] == [(True, ""), (True, "")]


@pytest.mark.parametrize(
    ("match", "tree"),
    [
        ("{}", True),
        ("{type: external.chat.message.v1}", {"==": [{"var": "type"}, "external.chat.message.v1"]}),
        ("{type: [external.a.v1, external.b.v1]}", {"in": [{"var": "type"}, ["external.a.v1", "external.b.v1"]]}),
        ("{platform: twitch}", {"ci_eq": [{"var": "platform"}, "twitch"]}),
        ('{channel: "#Ann"}', {"ci_eq": [{"var": "channel"}, "Ann"]}),
        ('{command: ["!q", "!quest"]}', {"or": [{"ci_eq": [{"var": "command"}, "!q"]}, {"ci_eq": [{"var": "command"}, "!quest"]}]}),
        ("{text: hello}", {"text_contains": [{"var": "text"}, "hello"]}),
        ('{text: {re: "^hi"}}', {"re_test": [{"var": "text"}, "^hi", "i"]}),
        ('{user: "@ann"}', {"ci_eq": [{"var": "user.name"}, "ann"]}),
        ("{role: moderator}", {"==": [{"var": "user.role"}, "moderator"]}),
        ("{role: staff}", {"has_role": ["staff"]}),
        ("{tags: [a, b]}", {"and": [{"in": ["a", {"var": "user.tags"}]}, {"in": ["b", {"var": "user.tags"}]}]}),
        ("{first: true}", {"==": [{"var": "first"}, True]}),
        ("{first_session: true}", {"==": [{"var": "first_session"}, True]}),
        ("{reward: abc}", {"==": [{"var": "reward"}, "abc"]}),
        ('{bits: ">=100"}', {">=": [{"var": "bits"}, 100]}),
        ("{bits: 100}", {"==": [{"var": "bits"}, 100]}),
        ("{when: {has_reply: []}}", {"has_reply": []}),
        ("{any: [{text: a}, {text: b}]}", {"or": [{"text_contains": [{"var": "text"}, "a"]}, {"text_contains": [{"var": "text"}, "b"]}]}),
        ("{any: {text: a, first: true}}", {"or": [{"text_contains": [{"var": "text"}, "a"]}, {"==": [{"var": "first"}, True]}]}),
        ("{not: {text: a}}", {"!": [{"text_contains": [{"var": "text"}, "a"]}]}),
        (
            "{text: a, not: {text: b, first: true}}",
            {
                "and": [
                    {"text_contains": [{"var": "text"}, "a"]},
                    {"!": [{"and": [{"text_contains": [{"var": "text"}, "b"]}, {"==": [{"var": "first"}, True]}]}]},
                ]
            },
        ),
    ],
)
def test_each_shorthand_becomes_its_tree(match, tree):
    """Every key of the shorthand, alone and nested."""
    assert rules(f"- {{id: r, match: {match}}}").rules[0].ast == tree


def test_the_example_file_passes_its_own_tests():
    """The rules that ship with the project load without a warning and pass their examples."""
    ruleset = load(EXAMPLE.read_text(), file="rules/example.yaml", known_steps=["greeter", "commands"])
    results = ruleset.run_tests()

    assert ruleset.warnings == ()
    assert len(results) >= 9
    assert [result for result in results if not result.passed] == []


def test_all_problems_are_named_at_once_with_their_places():
    """Nobody has to mend a file one problem at a time."""
    found = problems(
        "- id: one\n"
        "  match: {comand: x}\n"
        "  slip: [Quest, router]\n"
        "- id: one\n"
        "  match: {when: {frobnicate: [1]}}\n"
        "  reply: hello {user.dispalyName}\n"
        "  cooldown: 5\n"
    )

    assert [(problem.code, problem.line, problem.column) for problem in found] == [
        ("rules.unknown_key", 2, 11),
        ("rules.bad_rule", 3, 10),
        ("rules.cycle", 3, 17),
        ("rules.duplicate_id", 4, 3),
        ("rules.unsafe", 5, 18),
        ("rules.unknown_variable", 6, 10),
        ("rules.bad_rule", 7, 13),
    ]
    assert {problem.rule for problem in found} == {"one"}
    assert "did you mean 'command'?" in found[0].message
    assert "did you mean 'user.displayName'?" in found[5].message


def test_every_code_is_in_the_catalogue():
    """What a problem is called can be looked up with ``bitbrat explain``."""
    found = problems("- {id: 1, x: 2}\n- {match: {when: {var: nope}}, slip: [dlq]}\n- {id: a, match: {when: {x: 1}}}")

    assert {problem.code for problem in found} <= CATALOGUE.keys()


def test_ids_must_differ_across_files():
    """A folder of files is one set of rules."""
    with pytest.raises(RulesError) as raised:
        load_all({"a.yaml": "- {id: x, match: {}}", "b.yaml": "- {id: x, match: {text: a}}"})

    first = raised.value.problems[0]
    assert (first.code, first.file) == ("rules.duplicate_id", "b.yaml")


def test_a_rule_reads_back_from_its_own_json():
    """YAML and stored JSON are two views of one rule: the version is the same."""
    ruleset = load(EXAMPLE.read_text(), file="rules/example.yaml")
    again = load(json.dumps(ruleset.to_json()), file="stored.json")

    assert [(rule.id, rule.version) for rule in again] == [(rule.id, rule.version) for rule in ruleset]
    assert again.hash == ruleset.hash


def test_a_version_is_about_what_a_rule_does():
    """A description changes nothing; a reply does."""
    first = rules("- {id: r, match: {text: a}, reply: b}").rules[0].version

    assert rules("- {id: r, match: {text: a}, reply: b, description: why}").rules[0].version == first
    assert rules("- {id: r, match: {text: a}, reply: c}").rules[0].version != first


def test_windows_line_ends_are_refused_with_a_way_out():
    """One spelling of a file, one hash: the message says how to save it."""
    found = problems("- id: r\r\n  match: {}\r\n")

    assert {(problem.code, problem.line) for problem in found} == {("rules.bad_yaml", 1), ("rules.bad_yaml", 2)}
    assert "LF line ends" in found[0].message


def test_an_unquoted_command_says_what_to_do():
    """``command: !quest`` is a tag to YAML; everybody writes it once."""
    found = problems("- id: r\n  match:\n    command: !quest\n")

    assert 'put the text in quotes, as in "!quest"' in found[0].message
    assert (found[0].line, found[0].column) == (3, 14)


def test_an_empty_file_is_refused():
    """A file in the middle of being written must not switch all rules off."""
    assert problems("")[0].code == "rules.bad_yaml"
    assert problems("# only a comment\n")[0].code == "rules.bad_yaml"
    assert len(rules("[]")) == 0


@pytest.mark.parametrize(
    ("part", "code", "says"),
    [
        ("slip: [{step: quest, maxAttempts: 11}]", "rules.bad_rule", "from 1 to 10"),
        ("slip: [{step: quest, attributes: {notBefore: x}}]", "rules.bad_rule", "the platform's own"),
        ("slip: [{step: quest, attribute: {}}]", "rules.unknown_key", "did you mean 'attributes'?"),
        ("slip: [5]", "rules.bad_rule", "not the name of a step"),
        ("reply: ''", "rules.bad_rule", "says nothing"),
        ("reply: {kind: shout, text: hi}", "rules.bad_rule", "chat, whisper"),
        ("annotate: {kind: route}", "rules.bad_rule", "keeps for its decisions"),
        ("annotate: {kind: mood, score: high}", "rules.bad_rule", "not a number"),
        ("cooldown: {user: 5}", "rules.bad_rule", "with its unit"),
        ("cooldown: {reply: shout}", "rules.bad_rule", "silent, react, once"),
        ("deadline: 90d", "rules.bad_rule", "30d"),
        ("priority: high", "rules.bad_rule", "whole number"),
        ("enabled: 1", "rules.bad_rule", "neither true nor false"),
        ("tests: [{say: x}]", "rules.bad_rule", "expect is missing"),
        ("tests: [{expect: {match: true}}]", "rules.bad_rule", "say or type is missing"),
        ("tests: [{say: x, as: king, expect: {match: true}}]", "rules.bad_rule", "king"),
        ("answer: hi", "rules.unknown_key", "there is no key 'answer'"),
    ],
)
def test_each_part_says_what_is_wrong_with_it(part, code, says):
    """A code, a place and a sentence for every part of a rule."""
    found = problems(f"- id: r\n  match: {{}}\n  {part}\n")

    assert found[0].code == code
    assert says in found[0].message
    assert found[0].line == 3


def test_a_rule_can_be_a_whole_feature():
    """Steps with options, replies of kinds, notes, cooldowns and a deadline, as they are written."""
    rule = rules("""
- id: r
  match: {}
  slip: [one, {step: two, optional: true, maxAttempts: 5, attributes: {tone: calm}}]
  reply: [hello, {kind: action, text: waves}]
  annotate: [{kind: mood, label: happy, value: 3, score: 0.5}]
  cooldown: {user: 1m30s, global: 500ms, reply: react}
  deadline: 2m
""").rules[0]

    assert [(step.step, step.optional, step.max_attempts, dict(step.attributes)) for step in rule.slip] == [
        ("one", False, None, {}),
        ("two", True, 5, {"tone": "calm"}),
    ]
    assert [(reply.kind, reply.text) for reply in rule.replies] == [("chat", "hello"), ("action", "waves")]
    assert [note.to_json() for note in rule.annotations] == [{"kind": "mood", "label": "happy", "value": 3, "score": 0.5}]
    assert (rule.cooldown.user, rule.cooldown.everybody, rule.cooldown.reply, rule.deadline) == (90.0, 0.5, "react", 120.0)


def test_a_failing_example_says_what_was_different():
    """The message of ``bitbrat rules test``."""
    results = rules("""
- id: first
  match: {text: hi}
  slip: [quest]
  reply: hello {user.displayName}
  tests:
    - {say: hi, expect: {slip: [other]}}
    - {say: hi, expect: {reply: bye}}
    - {say: bye, expect: {match: true}}
    - {say: hi, expect: {match: false}}
    - {type: external.other.v1, payload: {text: hi}, as: moderator, expect: {match: true}}
""").run_tests()

    assert [(result.passed, result.line) for result in results] == [(False, 7), (False, 8), (False, 9), (False, 10), (True, 11)]
    assert [result.message for result in results[:4]] == [
        "the slip is ['quest'], not ['other']",
        "the replies are ['hello Ann'], not 'bye'",
        "no rule matched",
        "first matched, and should not",
    ]
