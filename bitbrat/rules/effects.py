"""Reads what a rule does: its slip, replies, annotations, cooldown and deadline."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, cast, get_args

from bitbrat.envelope import MAX_STEPS, ReplyKind
from bitbrat.rules.fields import Fields
from bitbrat.rules.model import Cooldown, CooldownReply, Note, ReplyTemplate, Step
from bitbrat.rules.problems import Mark, Sink, shown, suggest
from bitbrat.rules.templates import template_problems
from bitbrat.rules.yaml_source import Map, plain

MAX_REPLIES = 100
MAX_NOTES = 16
MAX_ATTRIBUTES = 16

_STEP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_LEADS_BACK: Final = frozenset(["ingress", "auth", "authenticated", "router", "reroute"])
_PLATFORM: Final = frozenset(["egress", "ingress-egress", "finalizer", "complete", "dlq"])
_DECISION: Final = "route"
_OURS: Final = frozenset(["optional", "notBefore", "traceparent", "reroute", "rule"])


def read_slip(fields: Fields, sink: Sink, known: Collection[str] | None) -> tuple[Step, ...]:
    """The steps of ``slip:``, each a name or ``{step, optional, maxAttempts, attributes}``."""
    steps = []
    for value, mark in fields.items("slip", MAX_STEPS):
        step = _step(Fields(value, sink, "slip"), mark, sink) if isinstance(value, Map) else Step(value) if isinstance(value, str) else None
        if step is None:
            sink.add("rules.bad_rule", f"slip: {shown(value)} is not the name of a step", mark)
        elif _good_name(step.step, mark, sink, known):
            steps.append(step)
    return tuple(steps)


def _step(fields: Fields, mark: Mark, sink: Sink) -> Step:
    step = Step(
        step=fields.text("step", limit=63),
        optional=bool(fields.flag("optional", False)),
        max_attempts=fields.integer("maxAttempts", None, 1, 10),
        attributes=_attributes(fields, mark, sink),
    )
    fields.done()
    return step


def _attributes(fields: Fields, mark: Mark, sink: Sink) -> dict[str, str]:
    value = fields.get("attributes")
    if value is None:
        return {}
    if not isinstance(value, Map) or len(value) > MAX_ATTRIBUTES or not all(isinstance(v, str) and len(v) <= 256 for v in value.values()):
        sink.add("rules.bad_rule", f"slip: attributes are at most {MAX_ATTRIBUTES} texts of at most 256 characters", mark)
        return {}
    for key in _OURS & value.keys():
        sink.add("rules.bad_rule", f"slip: the attribute {key!r} is the platform's own", value.key_marks[key])
    return dict(value)


def _good_name(name: str, mark: Mark, sink: Sink, known: Collection[str] | None) -> bool:
    if _STEP.match(name) is None:
        sink.add("rules.bad_rule", f"slip: {shown(name)} is not the name of a step: small letters, digits and dashes", mark)
    elif name in _LEADS_BACK:
        sink.add("rules.cycle", f"slip: {name!r} leads back to the router, which would choose this rule again; name steps only", mark)
    elif name in _PLATFORM:
        sink.add("rules.unknown_service", f"slip: {name!r} is no step; replies and completion go there by themselves", mark)
    elif known is not None and name not in known:
        sink.add("rules.unknown_service", f"slip: no service has a step {name!r}{suggest(name, known)}", mark)
    else:
        return True
    return False


def read_replies(fields: Fields, sink: Sink) -> tuple[ReplyTemplate, ...]:
    """The templates of ``reply:``: one or many, each a text or ``{kind, text}``."""
    replies = []
    for value, mark in fields.items("reply", MAX_REPLIES):
        reply = _reply(value, sink)
        if reply is None or not reply.text.strip():
            sink.add("rules.bad_rule", f"reply: {shown(value)} is not a text, or says nothing", mark)
            continue
        for problem in template_problems(reply.text):
            code = "rules.unknown_variable" if "no variable" in problem else "rules.bad_rule"
            sink.add(code, f"reply: {problem}", mark)
        replies.append(reply)
    return tuple(replies)


def _reply(value: Any, sink: Sink) -> ReplyTemplate | None:
    if isinstance(value, str):
        return ReplyTemplate(value)
    if not isinstance(value, Map):
        return None
    fields = Fields(value, sink, "reply")
    kind = fields.word("kind", get_args(ReplyKind), "chat")
    reply = ReplyTemplate(fields.text("text"), cast(ReplyKind, kind))
    fields.done()
    return reply


def read_notes(fields: Fields, sink: Sink) -> tuple[Note, ...]:
    """The annotations of ``annotate:``, each ``{kind, label, value, score}``."""
    notes = []
    for value, mark in fields.items("annotate", MAX_NOTES):
        if not isinstance(value, Map):
            sink.add("rules.bad_rule", f"annotate: {shown(value)} is not an object such as {{kind: mood, label: happy}}", mark)
            continue
        inner = Fields(value, sink, "annotate")
        kind, label, score = inner.text("kind", limit=64), inner.text("label", limit=256) or None, inner.get("score")
        notes.append(Note(kind, label, plain(inner.get("value")), score if _is_number(score) else None))
        if not kind or kind == _DECISION:
            sink.add("rules.bad_rule", f"annotate: kind is missing, or is {_DECISION!r}, which the router keeps for its decisions", mark)
        if score is not None and not _is_number(score):
            inner.bad("score", f"{shown(score)} is not a number")
        inner.done()
    return tuple(notes)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def read_cooldown(fields: Fields, sink: Sink) -> Cooldown | None:
    """``cooldown: {user, global, reply}``; a bare duration is the user's."""
    value = fields.get("cooldown")
    if value is None:
        return None
    if not isinstance(value, Map):
        return Cooldown(user=fields.seconds("cooldown") or 0.0)
    inner = Fields(value, sink, "cooldown")
    reply = inner.word("reply", get_args(CooldownReply), "silent")
    cooldown = Cooldown(inner.seconds("user") or 0.0, inner.seconds("global") or 0.0, cast(CooldownReply, reply))
    inner.done()
    return cooldown
