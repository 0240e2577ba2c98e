"""A hundred and twenty ways out of an expression language: none of them leads anywhere."""

from __future__ import annotations

import json

import pytest

from bitbrat.errors import RulesError
from bitbrat.rules import load, render, template_problems
from bitbrat.rules.explain import evaluate
from tests.unit.rules.helpers import chat, problems

NAMES = (
    *[
        "__class__",
        "__init__",
        "__globals__",
        "__builtins__",
        "__import__",
        "__dict__",
        "__mro__",
        "__subclasses__",
        "__getattribute__",
        "__code__",
    ],
    *[
        "__class__.__base__",
        "__class__.__mro__.1",
        "user.__class__",
        "user.__init__.__globals__",
        "user.model_config",
        "user.name.__class__",
    ],
    *[
        "envelope",
        "envelope.user",
        "self",
        "facts",
        "facts.envelope",
        "now.tzinfo",
        "text.upper",
        "text.format",
        "text.join",
        "args.0.__class__",
    ],
    *[
        "payload.__class__",
        "payload.text.__class__",
        "payload.__init__.__globals__.os",
        "config",
        "settings.token",
        "os.environ",
        "env.PATH",
    ],
    *["secrets", "source.__class__", "model_extra", "~text", "user..name", "payload.", ""],
)
EXPRESSIONS = (
    *["__import__('os').system('true')", "().__class__.__bases__[0].__subclasses__()", "lambda: 1", "(lambda f: f(f))(lambda f: f(f))"],
    *[
        "[x for x in ().__class__.__mro__]",
        "{x for x in (1,)}",
        "exec('1')",
        "eval('1')",
        "open('/etc/passwd').read()",
        "9**9**9",
        "'x'*10**9",
    ],
    *[
        "f'{user}'",
        "'{0.__class__}'.format(user)",
        "'%s' % user",
        "getattr(user, 'name')",
        "globals()",
        "breakpoint()",
        "print(1)",
        "1 if True else 2",
    ],
    *[
        "user.name == 'ann'",
        "import os",
        "os.system",
        "`id`",
        "$(id)",
        "; id",
        "${7*7}",
        "{{7*7}}",
        "#{7*7}",
        "<%= 7*7 %>",
        "T(java.lang.Runtime)",
    ],
)
OPERATORS = (
    "__class__",
    "eval",
    "exec",
    "method",
    "call",
    "import",
    "lambda",
    "getattr",
    "log",
    "**",
    "<<",
    "print",
    "function",
    "apply",
    "constructor",
)


def test_there_are_at_least_a_hundred_and_twenty():
    """Names count twice: as a variable and in a template."""
    assert 2 * len(NAMES) + len(EXPRESSIONS) + len(OPERATORS) >= 120


@pytest.mark.parametrize("name", NAMES)
def test_no_name_reaches_anything(name):
    """As a variable each is refused at load."""
    found = problems(json.dumps([{"id": "r", "match": {"when": {"==": [{"var": name}, 1]}}}]))

    assert {problem.code for problem in found} <= {"rules.unknown_variable", "rules.unsafe"}


@pytest.mark.parametrize("name", NAMES)
def test_no_name_reaches_anything_inside_a_loop(name):
    """In a loop's body it is refused, or it is a key that the element does not have."""
    tree = {"map": [[{"var": "payload"}, {"var": "user.name"}, {"var": "text"}], {"var": name}]}
    try:
        node = load(json.dumps([{"id": "r", "match": {"when": tree}}]), file="f").rules[0].condition
    except RulesError:
        return
    result, value, _ = evaluate(node, chat("x"))

    assert result == "true"
    assert value in ([None, None, None], [{"text": "x"}, "ann", "x"])


@pytest.mark.parametrize("name", NAMES)
def test_no_name_reaches_anything_in_a_template(name):
    """Refused at load, and nothing when it is rendered all the same."""
    template = "{" + name + "}"

    assert template_problems(template) != []
    assert render(template, {}) == ""


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_no_text_is_evaluated(text):
    """As a condition a text is refused; as a value it is only a text."""
    found = problems(json.dumps([{"id": "r", "match": {"when": text}}]))
    ruleset = load(json.dumps([{"id": "r", "match": {"text": text}}]), file="f")

    assert [problem.code for problem in found] == ["rules.unsafe"]
    assert ruleset.match(chat("hello")) is None
    assert ruleset.match(chat(text)) is not None


@pytest.mark.parametrize("name", OPERATORS)
def test_no_operator_but_ours_runs(name):
    """The table is all there is."""
    found = problems(json.dumps([{"id": "r", "match": {"when": {name: ["os", "system"]}}}]))

    assert [problem.code for problem in found] == ["rules.unsafe"]
