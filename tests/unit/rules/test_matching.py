"""Which rule a message matches: the first by priority and id, and never because something is unknown or broken."""

from __future__ import annotations

import pytest

from bitbrat.rules.explain import evaluate
from tests.unit.rules.helpers import chat, rules, when


def holds(tree, facts=None):
    """The result of a condition: true, false, unknown or error."""
    return evaluate(when(tree).rules[0].condition, facts or chat("!quest now"))[0]


def matched(text, facts, **options):
    """The id of the rule that matches, or None."""
    found = rules(text).match(facts, **options)
    return found.rule.id if found else None


THREE = """
- {id: b, priority: 5, match: {command: "!x"}}
- {id: a, priority: 5, match: {text: x}}
- {id: z, priority: 1, match: {command: "!only"}}
"""


def test_the_lowest_priority_number_comes_first_then_the_id():
    """Order is (priority, id), whatever the order in the file."""
    assert [rule.id for rule in rules(THREE)] == ["z", "a", "b"]
    assert matched(THREE, chat("!x")) == "a"


def test_a_rule_that_fired_does_not_fire_again():
    """After a reroute the next rule gets its turn."""
    assert matched(THREE, chat("!x"), fired=["a"]) == "b"
    assert matched(THREE, chat("!x"), fired={"a", "b"}) is None


def test_a_disabled_rule_never_matches():
    """Switched off is off, and its explanation says so."""
    ruleset = rules("- {id: sleeping, enabled: false, match: {}}")

    assert ruleset.match(chat("x")) is None
    assert ruleset.explain(chat("x"))[0].result == "disabled"


def test_no_match_is_none():
    """Nobody is routed by accident."""
    assert matched(THREE, chat("hello")) is None


@pytest.mark.parametrize(
    ("text", "payload", "matches"),
    [
        ("!quest", {}, True),
        ("!QUEST", {}, True),
        ("  !quest 5", {}, True),
        ("!quests", {}, False),
        ("a !quest", {}, False),
        ("quest", {}, False),
        ("@bob !quest", {}, False),
        ("@bob !quest", {"reply": {"parentMessageId": "m"}}, True),
        ("@bob", {"reply": {"parentMessageId": "m"}}, False),
        ("!quest", {"sourceChannelId": "99"}, False),
        ("!quest\U000e0000", {}, True),
        ("!qu\u200best", {}, True),
        ("\u202e!quest", {}, True),
        ("", {}, False),
    ],
)
def test_a_command_is_the_first_word(text, payload, matches):
    """Case does not count, a reply's mention is left out, invisible characters do not hide it; another channel's is none of ours."""
    assert (matched('- {id: q, match: {command: "!quest"}}', chat(text, payload=payload)) == "q") is matches


@pytest.mark.parametrize(
    ("match", "facts", "matches"),
    [
        ("{role: '>=vip'}", chat("x", role="moderator"), True),
        ("{role: '>=vip'}", chat("x", role="subscriber"), False),
        ("{role: '>=viewer'}", chat("x", role=""), False),
        ("{role: vip}", chat("x", role="moderator"), False),
        ("{tags: regular}", chat("x"), True),
        ("{tags: [regular, new]}", chat("x"), False),
        ("{first: true}", chat("x", payload={"firstMessage": True}), True),
        ("{first: true}", chat("x"), False),
        ("{first: false}", chat("x"), True),
        ("{first_session: true}", chat("x", user={"id": "1", "tags": ["first_session"]}), True),
        ("{channel: '#MY_channel'}", chat("x"), True),
        ("{platform: Twitch}", chat("x"), True),
        ("{user: '@Ann'}", chat("x"), True),
        ("{bits: '>=100'}", chat("x", payload={"bits": 100}), True),
        ("{bits: '>=100'}", chat("x"), False),
        ("{bits: '>=100'}", chat(kind="external.twitch.channel.cheer.v1", payload={"event": {"bits": 500}}), True),
        ("{reward: abc}", chat("x", payload={"customRewardId": "abc"}), True),
        ("{reward: abc}", chat(payload={"event": {"reward": {"id": "abc"}}}), True),
        ("{type: external.other.v1}", chat("x"), False),
        ("{text: ÉTÉ}", chat("cet e\u0301te\u0301"), True),
        ("{text: {re: '^good (evening|night)'}}", chat("Good Night all"), True),
        ("{text: a, not: {text: b}}", chat("a"), True),
        ("{text: a, not: {text: b}}", chat("ab"), False),
        ("{any: [{text: x}, {text: y}]}", chat("y"), True),
        ("{not: [{text: x}, {text: y}]}", chat("y"), False),
        ("{}", chat(""), True),
    ],
)
def test_each_shorthand_matches_what_it_says(match, facts, matches):
    """The keys of the shorthand on real envelopes."""
    assert (matched(f"- {{id: r, match: {match}}}", facts) == "r") is matches


STEP = {"id": "quest", "status": "OK", "destination": "internal.quest.v1"}
SEEN = {
    "annotations": [{"kind": "mood", "label": "happy", "score": 0.8, "by": "m"}],
    "replies": [{"kind": "chat", "text": "Hello there", "by": "g"}],
    "routingSlip": [STEP],
}


@pytest.mark.parametrize(
    ("tree", "result"),
    [
        ({"has_annotation": ["mood"]}, "true"),
        ({"has_annotation": ["mood", "happy", 0.5]}, "true"),
        ({"has_annotation": ["mood", "happy", 0.9]}, "false"),
        ({"has_annotation": ["mood", "sad"]}, "false"),
        ({"has_reply": []}, "true"),
        ({"has_reply": ["hello"]}, "true"),
        ({"has_reply": ["bye"]}, "false"),
        ({"slip_complete": []}, "true"),
        ({"slip_complete": ["quest"]}, "true"),
        ({"slip_complete": ["other"]}, "false"),
        ({"has_role": ["Viewer"]}, "true"),
        ({"has_role": [{"var": "user.roles"}, "vip"]}, "false"),
        ({"text_contains": [{"var": "text"}, "QUEST"]}, "true"),
        ({"ci_eq": [{"var": "user.name"}, "ANN"]}, "true"),
        ({"re_test": [{"var": "text"}, "^!q"]}, "true"),
        ({"re_test": [{"var": "text"}, "^!Q"]}, "false"),
        ({"re_test": [{"var": "text"}, "^!Q", "i"]}, "true"),
        ({"before": [{"var": "timestamp"}, "2026-05-01T12:00:00Z"]}, "true"),
        ({"after": [{"var": "timestamp"}, {"var": "now"}]}, "false"),
        ({"within": [{"var": "timestamp"}, "2m"]}, "true"),
        ({"within": [{"var": "timestamp"}, "30s"]}, "false"),
        ({"within": [{"var": "now"}, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]}, "true"),
        ({"before": [{"var": "text"}, "2026-05-01T12:00:00Z"]}, "error"),
    ],
)
def test_each_operator_of_ours_does_what_it_says(tree, result):
    """The operators beside JsonLogic's."""
    assert holds(tree, chat("!quest now", **SEEN)) == result


def test_a_slip_without_steps_is_not_complete():
    """Nothing was done yet."""
    assert holds({"slip_complete": []}) == "false"


LIVE = {"==": [{"var": "live"}, True]}


@pytest.mark.parametrize(
    ("tree", "result"),
    [
        (LIVE, "unknown"),
        ({"!": [LIVE]}, "unknown"),
        ({"!=": [{"var": "live"}, True]}, "unknown"),
        ({"!": [{"var": "live"}]}, "unknown"),
        ({"and": [LIVE, True]}, "unknown"),
        ({"and": [LIVE, False]}, "false"),
        ({"and": [False, LIVE]}, "false"),
        ({"or": [LIVE, True]}, "true"),
        ({"or": [LIVE, False]}, "unknown"),
        ({"if": [LIVE, True, True]}, "unknown"),
        ({"cat": [{"var": "live"}, "x"]}, "unknown"),
        ({"has_role": [{"var": "live"}]}, "unknown"),
        ({"==": [{"var": ["live", True]}, True]}, "true"),
        ({"in": ["live", {"missing": ["live", "text"]}]}, "true"),
    ],
)
def test_unknown_is_a_third_truth_value(tree, result):
    """Comparing with the unknown is unknown, and so is its opposite; a default or ``missing`` can decide."""
    assert holds(tree) == result


def test_the_unknown_never_matches_and_neither_does_its_opposite():
    """``live: true`` and ``not: {live: true}`` both stay silent until somebody knows."""
    text = "- {id: lit, match: {live: true}}\n- {id: dark, match: {not: {live: true}}}"

    assert matched(text, chat("x")) is None
    assert matched(text, chat("x", known={"live": True})) == "lit"
    assert matched(text, chat("x", known={"live": False})) == "dark"


def test_a_rule_that_cannot_be_evaluated_is_told_and_the_next_gets_its_turn():
    """A type error is a fault of that rule, not of the message."""
    text = "- {id: broken, priority: 1, match: {when: {'>': [{'/': [1, {var: bits}]}, 0]}}}\n- {id: next, match: {}}"
    told = []

    assert matched(text, chat("x"), on_fault=lambda rule, reason: told.append((rule.id, reason))) == "next"
    assert told == [("broken", "division by zero")]


def test_a_condition_stops_after_a_thousand_steps():
    """A long list in a payload cannot hold up the router."""
    tree = {"some": [{"var": "payload.list"}, {"==": [{"var": ""}, 1]}]}

    assert holds(tree, chat(payload={"list": [0] * 300})) == "false"
    result, _, reason = evaluate(when(tree).rules[0].condition, chat(payload={"list": [0] * 400}))
    assert (result, reason) == ("error", "the condition took more than 1000 steps")


def test_nested_loops_share_the_thousand_steps():
    """Twenty times twenty is too much already."""
    tree = {"some": [{"var": "payload.list"}, {"some": [{"var": ""}, {"==": [{"var": ""}, 1]}]}]}

    assert holds(tree, chat(payload={"list": [[0] * 20] * 20})) == "error"


def test_a_text_cannot_grow_without_end():
    """Doubling a text in a loop ends in a fault, not in the memory."""
    tree = {"reduce": [{"var": "payload.list"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "xx"]}

    assert holds(tree, chat(payload={"list": [0] * 60})) == "error"


def test_the_same_facts_serve_many_rules():
    """One evaluation leaves nothing behind for the next."""
    facts = chat("x", payload={"list": [0] * 150})
    tree = {"some": [{"var": "payload.list"}, {"==": [{"var": ""}, 1]}]}

    assert [holds(tree, facts) for _ in range(5)] == ["false"] * 5
