"""Failures as text, and the whole of a set of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bitbrat.api.operator import Operator
from bitbrat.cli.output import clean, mapping, table
from bitbrat.cli.show import age
from bitbrat.world import RealWorld

PAGE = 1_000
MAX_SHOWN = 20_000


async def collect(operator: Operator, *, group: str = "", states: Sequence[str] = (), limit: int | None = None) -> list[dict[str, Any]]:
    """All failures of that kind as they are now, newest first, at most ``limit``."""
    found: list[dict[str, Any]] = []
    after = ""
    while limit is None or len(found) < limit:
        wanted = PAGE if limit is None else min(PAGE, limit - len(found))
        page = await operator.failures(group=group, states=states, after=after, limit=wanted)
        found += page.rows
        after = page.cursor
        if len(page.rows) < wanted:
            break
    return found


def listing(rows: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]]) -> str:
    """A table of failures, and below it the groups."""
    if not rows:
        return "No failures."
    now = RealWorld().now()
    head = ("ID", "AGE", "STEP", "ERROR", "GROUP", "STATE")
    text = table([_line(row, now) for row in rows], head)
    return f"{text}\n\n{grouping(groups)}" if groups else text


def grouping(groups: Sequence[Mapping[str, Any]]) -> str:
    """A table of groups, and how many there are."""
    if not groups:
        return "No failures."
    now = RealWorld().now()
    lines = [
        (group["fingerprint"], group["count"], age(group["last"], now), clean(group["step"], 30), _error(group), age(group["first"], now))
        for group in groups
    ]
    total = sum(group["count"] for group in groups)
    return (
        f"{table(lines, ('GROUP', 'COUNT', 'LAST', 'STEP', 'ERROR', 'FIRST'))}\n{_count(len(groups), 'group')}, {_count(total, 'message')}."
    )


def shown(found: Mapping[str, Any]) -> str:
    """One failure, whole."""
    failure = mapping(found.get("failure"))
    named = {
        "id": found["id"],
        "ended": f"{found['at']}  ({found['outcome'].replace('_', ' ')}, {found['state']})",
        "error": f"{found['code']} {clean(str(failure.get('message', '')), 500)}".strip(),
        "step": str(failure.get("step") or ""),
        "from": str(found.get("sourceTopic") or ""),
        "group": str(found.get("group") or ""),
        "replay of": str(found.get("replayOf") or ""),
        "came": f"{found['surplus'] + 1} times" if found.get("surplus") else "",
    }
    lines = [f"{name:<10} {value}" for name, value in named.items() if value]
    return "\n".join([*lines, "", _original(found)])


def span(rows: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """How many, and how old the oldest and the newest are."""
    ages = sorted(str(row["at"]) for row in rows)
    return f"{_count(len(rows), 'message')}, oldest {age(ages[0], now)}, newest {age(ages[-1], now)}"


def _original(found: Mapping[str, Any]) -> str:
    if found.get("envelope") is None:
        return f"{found['bytes']} bytes that are no envelope; write them with: bitbrat dlq show {found['id'][:20]} --raw"
    text = json.dumps(found["envelope"], indent=2, ensure_ascii=False)
    safe = "\n".join(clean(line, MAX_SHOWN) for line in text.splitlines())
    return safe if len(safe) <= MAX_SHOWN else f"{safe[:MAX_SHOWN]}\n… {len(safe)} characters; see --json"


def _line(row: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    failure = mapping(row.get("failure"))
    step = clean(str(failure.get("step") or ""), 30)
    return row["id"], age(row["at"], now), step, _error({"code": row["code"], **failure}), row["group"], row["state"]


def _error(failure: Mapping[str, Any]) -> str:
    return clean(f"{failure.get('code', '')} {failure.get('message') or ''}".strip(), 60)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
