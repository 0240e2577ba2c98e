"""The operators that know about messages: who, what was said, what steps have found, and when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from bitbrat.envelope import parse_time
from bitbrat.rules.durations import parse_duration
from bitbrat.rules.operators import Operator
from bitbrat.rules.values import Fault, kind_of
from bitbrat.rules.variables import Facts

LADDER: Final = ("viewer", "subscriber", "vip", "moderator", "broadcaster")
"""Chat roles from the lowest to the highest; staff, admin and global_mod stand beside it and do not rank."""

RANK: Final = {role: rank for rank, role in enumerate(LADDER)}


def _ci_eq(a: Any, b: Any) -> bool:
    return isinstance(a, str) and isinstance(b, str) and a.casefold() == b.casefold()


def _text_contains(text: Any, part: Any) -> bool:
    return isinstance(text, str) and isinstance(part, str) and part.casefold() in text.casefold()


def _role_at_least(role: Any, lowest: Any) -> bool:
    rank = RANK.get(lowest) if isinstance(lowest, str) else None
    if rank is None:
        raise Fault(f"{kind_of(lowest)} is not a role: {', '.join(LADDER)}")
    return isinstance(role, str) and RANK.get(role, -1) >= rank


def _has_role(facts: Facts, *values: Any) -> bool:
    roles, wanted = values if len(values) == 2 else ([*facts["user.roles"], facts["user.role"]], values[0])
    held = roles if isinstance(roles, list) else [roles]
    return any(_ci_eq(role, wanted) for role in held)


def _has_annotation(facts: Facts, kind: Any, label: Any = None, score: Any = None) -> bool:
    for note in facts.envelope.annotations:
        if (
            note.kind == kind
            and (label is None or note.label == label)
            and (score is None or (note.score is not None and note.score >= score))
        ):
            return True
    return False


def _has_reply(facts: Facts, part: Any = None) -> bool:
    return any(part is None or _text_contains(reply.text, part) for reply in facts.envelope.replies)


def _slip_complete(facts: Facts, step: Any = None) -> bool:
    slip = facts.envelope.routing_slip
    if step is not None:
        return any(entry.id == step and entry.status == "OK" for entry in slip)
    return bool(slip) and all(entry.status != "PENDING" for entry in slip)


def _before(a: Any, b: Any) -> bool:
    return to_time(a) < to_time(b)


def _after(a: Any, b: Any) -> bool:
    return to_time(a) > to_time(b)


def _within(facts: Facts, moment: Any, span: Any, end: Any = None) -> bool:
    if end is not None:
        return to_time(span) <= to_time(moment) < to_time(end)
    try:
        seconds = parse_duration(span)
    except ValueError as error:
        raise Fault(str(error)) from None
    return abs(facts.now - to_time(moment)) <= timedelta(seconds=seconds)


def to_time(value: Any) -> datetime:
    """An RFC 3339 time. Raises :class:`Fault` for anything else."""
    try:
        return parse_time(value)
    except (ValueError, OverflowError):
        raise Fault(f"{kind_of(value)} is not a time such as 2026-01-31T12:00:00Z") from None


VALUE_OPERATORS: Final[dict[str, Operator]] = {
    "ci_eq": Operator(2, 2, _ci_eq),
    "text_contains": Operator(2, 2, _text_contains),
    "role_at_least": Operator(2, 2, _role_at_least),
    "before": Operator(2, 2, _before),
    "after": Operator(2, 2, _after),
}

MESSAGE_OPERATORS: Final[dict[str, Operator]] = {
    "has_role": Operator(1, 2, _has_role),
    "has_annotation": Operator(1, 3, _has_annotation),
    "has_reply": Operator(0, 1, _has_reply),
    "slip_complete": Operator(0, 1, _slip_complete),
    "within": Operator(2, 3, _within),
}
"""These take the message's facts before their arguments."""
