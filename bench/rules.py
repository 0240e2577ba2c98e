"""What 100 four-condition rules cost a message, in microseconds: ``.venv/bin/python bench/rules.py``.

Four kinds of rules: found by their command (the index helps), decided by their first condition, by their last (every condition of every
rule is evaluated), and with a pattern in each. ``explain`` is what an explanation of all 100 costs when somebody asks for it.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bitbrat.envelope import Envelope
from bitbrat.rules import Facts, Ruleset, load

RULES = 100
ROUNDS = 300
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FOUR = {"role": ">=viewer", "platform": "twitch"}


def envelope(text: str) -> Envelope:
    """One chat message."""
    return Envelope.model_validate(
        {
            "id": "e",
            "correlationId": "c",
            "traceId": "t",
            "timestamp": "2026-05-01T12:00:00Z",
            "type": "external.chat.message.v1",
            "source": {"platform": "twitch", "channel": "#my_channel", "channelId": "1"},
            "user": {"id": "1", "name": "ann", "displayName": "Ann", "role": "viewer", "roles": ["viewer"]},
            "routingSlip": [],
            "payload": {"text": text},
        }
    )


def ruleset(match: Callable[[int], dict[str, Any]]) -> Ruleset:
    """100 rules, the n-th with ``match(n)``."""
    return load(json.dumps([{"id": f"r{n}", "priority": n, "match": match(n)} for n in range(RULES)]), file="bench.json")


def microseconds(work: Callable[[], object]) -> float:
    """The median of one call, in processor time: what other processes do does not count."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1e6)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    message = envelope("good evening everybody, nice stream today")
    cases = {
        "by command (index)": ruleset(lambda n: {"command": f"!c{n}", **FOUR, "text": f"word{n}"}),
        "first condition decides": ruleset(lambda n: {"text": f"word{n}", **FOUR, "user": "ann"}),
        "last condition decides": ruleset(lambda n: {**FOUR, "user": "ann", "text": f"word{n}"}),
        "a pattern decides": ruleset(lambda n: {**FOUR, "user": "ann", "text": {"re": f"^!word{n}\\s+(\\w+)$"}}),
    }
    print(f"{RULES} rules of four conditions, none matches; median of {ROUNDS}, processor time, facts made anew each time")
    for name, rules in cases.items():
        print(f"  {name:26} {microseconds(lambda rules=rules: rules.match(Facts.of(message, NOW))):8.1f} us a message")
    last = cases["last condition decides"]
    print(f"  {'explain all of them':26} {microseconds(lambda: last.explain(Facts.of(message, NOW))):8.1f} us")
    hit = ruleset(lambda n: {"command": f"!c{n}", **FOUR, "user": "ann"})
    spoken = envelope("!c99")
    print(f"  {'match and its explanation':26} {microseconds(lambda: hit.match(Facts.of(spoken, NOW))):8.1f} us")


if __name__ == "__main__":
    main()
