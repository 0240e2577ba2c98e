"""Runs the examples that rules carry with them (``tests:``).

An example is said or sent through the whole set of rules: its rule must be the one that wins. The clock stands still at noon on the
first of January 2026, and the stream is live unless the example says ``live: false``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from bitbrat.envelope import Envelope, Source, User
from bitbrat.rules.model import Example, Rule
from bitbrat.rules.templates import render
from bitbrat.rules.variables import Facts

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class _Matched(Protocol):
    @property
    def rule(self) -> Rule: ...


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one example of one rule went; ``message`` says what was different when it failed."""

    __test__ = False

    rule: str
    example: str
    passed: bool
    message: str = ""
    file: str = ""
    line: int = 0


def run_examples(rules: Iterable[Rule], match: Callable[[Facts], _Matched | None]) -> tuple[TestResult, ...]:
    """The result of every example of ``rules``, in order; ``match`` decides which rule wins."""
    return tuple(_run(rule, example, match) for rule in rules for example in rule.examples)


def facts_of(example: Example) -> Facts:
    """The message that an example is about."""
    payload: dict[str, Any] = {**({"text": example.say, "messageId": "example"} if example.say else {}), **example.payload}
    name = example.user.lower()
    envelope = Envelope.model_construct(
        id="example",
        correlation_id="example",
        trace_id="",
        timestamp=NOON,
        type=example.type,
        source=Source(platform="twitch", channel="my_channel", channel_id="1"),
        user=User(id="1", name=name, display_name=example.user.title(), role=example.role, roles=(example.role,), tags=example.tags),
        routing_slip=(),
        payload=payload,
    )
    return Facts.of(envelope, NOON, known={"live": example.live})


def _run(rule: Rule, example: Example, match: Callable[[Facts], _Matched | None]) -> TestResult:
    facts = facts_of(example)
    found = match(facts)
    message = _difference(rule, example, found.rule if found else None, facts)
    return TestResult(rule.id, example.say or example.type, not message, message, rule.file, example.mark.line)


def _difference(rule: Rule, example: Example, winner: Rule | None, facts: Facts) -> str:
    expect, won = example.expect, winner is not None and winner.id == rule.id
    if expect.match is False:
        return f"{rule.id} matched, and should not" if won else ""
    if not won:
        return f"{winner.id} matched instead of {rule.id}" if winner else "no rule matched"
    slip = tuple(step.step for step in rule.slip)
    if expect.slip is not None and slip != expect.slip:
        return f"the slip is {list(slip)}, not {list(expect.slip)}"
    replies = [render(reply.text, facts) for reply in rule.replies]
    if expect.reply is not None and expect.reply not in replies:
        return f"the replies are {replies}, not {expect.reply!r}"
    return ""
