"""Messages as lines of text, from their JSON: the same whether they come from this process or another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from bitbrat.cli.output import clean, mapping

WELL = ("completed", "handled")
_CHAT = "external.chat.message.v1"


def finished(row: Mapping[str, Any]) -> str:
    """One line for a message that has ended: when, who, what, the rule, the steps, the reply, how long, how it ended."""
    said = clean(_what(row), 40)
    rule = mapping(row.get("rule")).get("rule") or "-"
    parts = [f"{_clock(row)} {_kind(row):<7} {said:<40}  rule {clean(rule, 24):<12}"]
    parts += [f"{clean(str(step.get('id')), 24)} {_step(step)}" for step in _ran(row)]
    parts += [f'-> "{clean(text, 60)}"' for text in _replies(row)]
    return f"{'  '.join(parts)}  {_took(row)}  {state(row)}"


def state(row: Mapping[str, Any]) -> str:
    """How it ended, in a word, with the code of what went wrong."""
    outcome = str(row.get("outcome", ""))
    if outcome in WELL:
        return click.style("ok", fg="green")
    if outcome == "pending_reply":
        return "waiting for its reply"
    return click.style(f"{outcome.replace('_', ' ').upper()} {row.get('code', '')}", fg="red")


def told(row: Mapping[str, Any]) -> Iterator[str]:
    """What became of a simulated message, as ``bitbrat say`` prints it."""
    user = mapping(row.get("user"))
    yield f"@{clean(str(user.get('name', '')), 60)} ({user.get('role', '')}): {clean(str(row.get('text', '')))}"
    rule, steps = mapping(row.get("rule")), [str(step.get("id")) for step in row.get("steps") or ()]
    routed = f"routed by rule {rule.get('rule')} ({rule.get('version')})" if rule.get("rule") else "no rule matched"
    way = f"{routed}{' -> ' + ', '.join(steps) if steps else ''}"
    yield f"  {clean(way):<54} simulated, nothing sent outside"
    failure = mapping(row.get("failure"))
    if failure:
        yield click.style(
            f"  {row.get('outcome')} at {failure.get('step')}: {row.get('code')} {clean(str(failure.get('message', '')))}", fg="red"
        )
    elif row.get("outcome") not in WELL:
        yield click.style(f"  {row.get('outcome')}: {row.get('code')}", fg="red")
    replies = list(_replies(row))
    for text in replies or ["" for _ in range(0 if failure else 1)]:
        shown = f'reply: "{clean(text)}"' if text else "no reply"
        yield f"  {shown:<54} {_took(row).strip()}"


def age(at: str, now: datetime) -> str:
    """How long ago, in its largest unit."""
    seconds = max((now - datetime.fromisoformat(at)).total_seconds(), 0.0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _what(row: Mapping[str, Any]) -> str:
    name = mapping(row.get("user")).get("name") or ""
    text = row.get("text") or ""
    if row.get("type") == _CHAT:
        return f"@{name}: {text}"
    return f"{row.get('type') or 'unreadable bytes'}{f' @{name}' if name else ''}{f': {text}' if text else ''}"


def _kind(row: Mapping[str, Any]) -> str:
    return "chat" if row.get("type") == _CHAT else "event" if row.get("type") else "bytes"


def _clock(row: Mapping[str, Any]) -> str:
    return datetime.fromisoformat(str(row["at"])).astimezone().strftime("%H:%M:%S")


def _ran(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [step for step in row.get("steps") or () if step.get("attempts") and step.get("status") != "SKIP"]


def _step(step: Mapping[str, Any]) -> str:
    took = f"{step.get('ms', 0):.0f} ms"
    return took if step.get("status") in ("OK", "SKIP") else f"{step.get('status')} {step.get('code', '')} {took}"


def _replies(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(reply.get("text") or reply.get("kind")) for reply in row.get("replies") or ())


def _took(row: Mapping[str, Any]) -> str:
    return f"{row.get('totalMs') or 0:>6.0f} ms"
