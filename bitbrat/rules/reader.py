"""Reads rules: from a file's data to :class:`Rule` values, noting every problem on the way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from bitbrat.rules.compile import compile_condition
from bitbrat.rules.domain import LADDER
from bitbrat.rules.effects import read_cooldown, read_notes, read_replies, read_slip
from bitbrat.rules.fields import ID, Fields
from bitbrat.rules.model import DEFAULT_PRIORITY, Example, Expectation, Rule
from bitbrat.rules.nodes import constant
from bitbrat.rules.problems import Mark, Sink, shown
from bitbrat.rules.shorthand import to_tree
from bitbrat.rules.yaml_source import Map, Seq, plain, read_yaml

MAX_RULES = 2_000
MAX_EXAMPLES = 50
CHAT = "external.chat.message.v1"


def read_rules(source: str | bytes, sink: Sink, known: Collection[str] | None) -> list[Rule]:
    """The rules of one file, in the order written. With an error in ``sink`` they are not for use."""
    read = read_yaml(source, sink)
    if read is None:
        return []
    data, mark = read
    if not isinstance(data, Seq):
        sink.add("rules.bad_rule", f'a rules file is a list of rules, each beginning with "- id:", not {shown(data)}', mark)
        return []
    if len(data) > MAX_RULES:
        sink.add("rules.bad_rule", f"{len(data)} rules; the limit is {MAX_RULES}", mark)
    rules = [_rule(entry, at, sink, known) for entry, at in zip(data[:MAX_RULES], data.marks, strict=False)]
    sink.rule = ""
    return [rule for rule in rules if rule is not None]


def _rule(entry: Any, mark: Mark, sink: Sink, known: Collection[str] | None) -> Rule | None:
    sink.rule, errors = "", sink.errors
    if not isinstance(entry, Map):
        sink.add("rules.bad_rule", f"a rule is an object with id and match, not {shown(entry)}", mark)
        return None
    fields = Fields(entry, sink)
    rule_id = _id(fields, entry, mark, sink)
    ast, condition = _match(fields, entry, mark, sink)
    rule = Rule(
        id=rule_id,
        ast=ast,
        condition=condition,
        priority=fields.integer("priority", DEFAULT_PRIORITY, 0, 1_000_000) or 0,
        enabled=fields.flag("enabled", True) is not False,
        slip=read_slip(fields, sink, known),
        replies=read_replies(fields, sink),
        annotations=read_notes(fields, sink),
        cooldown=read_cooldown(fields, sink),
        deadline=fields.seconds("deadline") or None,
        description=fields.text("description"),
        examples=_examples(fields, sink),
        file=sink.file,
        line=mark.line,
        column=mark.column,
    )
    fields.done()
    return rule if sink.errors > errors else replace(rule, version=rule.fingerprint())


def _id(fields: Fields, entry: Map, mark: Mark, sink: Sink) -> str:
    value = fields.get("id")
    if isinstance(value, str) and ID.match(value):
        sink.rule = value
        return value
    problem = "id is missing" if "id" not in entry else f"id: {shown(value)} is not up to 64 letters, digits, dots, dashes or underscores"
    sink.add("rules.bad_rule", problem, fields.mark("id") if "id" in entry else mark)
    return ""


def _match(fields: Fields, entry: Map, mark: Mark, sink: Sink) -> tuple[Any, Any]:
    if "match" not in entry:
        sink.add("rules.bad_rule", "match is missing; match: {} matches every message", mark)
        return False, constant(False)
    tree = to_tree(fields.get("match"), sink, fields.mark("match"))
    return plain(tree), compile_condition(tree, sink, fields.mark("match"))


def _examples(fields: Fields, sink: Sink) -> tuple[Example, ...]:
    found = []
    for value, mark in fields.items("tests", MAX_EXAMPLES):
        if isinstance(value, Map):
            found.append(_example(Fields(value, sink, "tests"), value, mark, sink))
        else:
            sink.add("rules.bad_rule", f'tests: {shown(value)} is not an object such as {{say: "!ping", expect: {{match: true}}}}', mark)
    return tuple(found)


def _example(fields: Fields, entry: Map, mark: Mark, sink: Sink) -> Example:
    payload = fields.get("payload")
    if payload is not None and not isinstance(payload, Map):
        fields.bad("payload", f"{shown(payload)} is not an object")
        payload = None
    if "say" not in entry and "type" not in entry:
        sink.add("rules.bad_rule", "tests: say or type is missing", mark)
    example = Example(
        expect=_expectation(fields, mark, sink),
        say=fields.text("say"),
        type=fields.text("type", CHAT, limit=200),
        role=fields.word("as", LADDER, "viewer"),
        user=fields.text("user", "ann", limit=100),
        live=fields.flag("live", True) is not False,
        tags=fields.texts("tags", 50),
        payload=plain(payload) if payload else {},
        mark=mark,
    )
    fields.done()
    return example


def _expectation(fields: Fields, mark: Mark, sink: Sink) -> Expectation:
    value = fields.get("expect")
    if not isinstance(value, Map) or not value:
        sink.add("rules.bad_rule", "tests: expect is missing, such as expect: {slip: [quest]} or {match: false}", mark)
        return Expectation()
    inner = Fields(value, sink, "expect")
    slip = inner.texts("slip", 32) if "slip" in value else None
    found = Expectation(inner.flag("match", None), slip, inner.text("reply") or None)
    inner.done()
    return found
