"""Templates: variables out of an allow-list, plain text, and nothing that is put in is looked at again."""

from __future__ import annotations

import pytest

from bitbrat.rules import UNKNOWN, choose_reply, render, template_problems
from tests.unit.rules.helpers import chat, problems


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("pong", "pong"),
        ("Hello, {user.displayName}!", "Hello, Ann!"),
        ("{command} | {args} | {1} {2} {3}", "!so | bob carol | bob carol "),
        ("{{user.name}}", "{user.name}"),
        ("{payload.event.n}", "3"),
        ("{payload.nothing}", ""),
        ("{channel}", "my_channel"),
        ("{random:heads|tails}", "heads"),
        ("{count}", ""),
    ],
)
def test_variables_are_filled_in(template, text):
    """From the message's own facts."""
    facts = chat("!so bob carol", payload={"event": {"n": 3}})

    assert template_problems(template) == []
    assert render(template, facts) == text


def test_the_dice_decide_the_random_word():
    """The caller brings the randomness."""
    assert [render("{random:a|b|c}", {}, random=dice) for dice in (0.0, 0.5, 0.999)] == ["a", "b", "c"]


def test_what_is_put_in_is_not_read_again():
    """A user cannot write a template."""
    assert render("{args}", {"args": "{user.id} {{x}}", "user.id": "42"}) == "{user.id} {{x}}"


def test_control_characters_of_users_become_spaces():
    """Nobody adds a line to what the bot says."""
    assert render("<{args}>", {"args": "a\r\nPRIVMSG #x :b\0\x01"}) == "<a PRIVMSG #x :b >"


def test_unknown_and_objects_become_nothing():
    """Only plain values are shown."""
    assert render("<{args}{text}{count}>", {"args": UNKNOWN, "text": {"a": 1}, "count": None}) == "<>"


def test_a_long_result_is_cut():
    """Two thousand characters are enough for a chat."""
    assert len(render("{args}" * 100, {"args": "x" * 500})) == 2000


@pytest.mark.parametrize(
    "name",
    [
        *["{0}", "{0.__class__}", "{user.__class__}", "{user.displayName.__class__}", "{payload.__class__}", "{self}", "{__import__}"],
        *["{user}", "{user.permissions}", "{config.token}", "{env.PATH}", "{}", "{ }", "{user.displayName!r}", "{args:>99999}", "{10}"],
        *["{user[name]}", "{payload.}", "{payload..a}", "{random:}", "{random:a}", "{source.connectionId}"],
    ],
)
def test_any_other_name_is_refused(name):
    """An allow-list: no attributes, no formats, no settings."""
    assert len(template_problems(name)) == 1
    assert problems(f"- {{id: r, match: {{}}, reply: '{name}'}}")[0].code in ("rules.unknown_variable", "rules.bad_rule")


@pytest.mark.parametrize("template", ["{", "}", "a { b", "{args", "args}", "{a{b}}"])
def test_a_lone_brace_is_refused_and_rendered_as_it_is(template):
    """The author is told; rendering never raises."""
    assert template_problems(template) != []
    assert isinstance(render(template, {}), str)


def test_a_misspelt_name_gets_a_suggestion():
    """The nearest name is offered."""
    assert "did you mean 'user.displayName'?" in template_problems("{user.displayname}")[0]


def test_own_names_can_be_allowed():
    """The commands step has counters of its own."""
    assert template_problems("{uses}", extra=["uses"]) == []


def test_no_reply_comes_twice_in_a_row():
    """Whatever the dice say."""
    for last in range(3):
        chosen = {choose_reply(["a", "b", "c"], last, dice / 100) for dice in range(100)}
        assert chosen == {0, 1, 2} - {last}


def test_without_a_last_reply_every_one_can_come():
    """The first time, and after the list was made shorter."""
    assert {choose_reply(["a", "b", "c"], None, dice / 100) for dice in range(100)} == {0, 1, 2}
    assert {choose_reply(["a", "b"], 7, dice / 100) for dice in range(100)} == {0, 1}


def test_a_single_reply_is_repeated():
    """There is no other."""
    assert choose_reply(["a"], 0, 0.9) == 0
