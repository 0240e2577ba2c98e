"""One call of a command: who may, whether it rests, what it says, and how often it was used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bitbrat import Annotation, Context, Envelope, Handled, Outcome, Reply, Skip
from bitbrat.connectors.text import normalise, without_mention
from bitbrat.rules import Facts, choose_reply, render
from bitbrat.rules.domain import LADDER
from bitbrat.rules.resting import resting, tell
from services.commands.reader import Command
from services.commands.spans import spoken_span

USES = "command_uses"
SANDBOX = "~simulated"


async def answer(envelope: Envelope, ctx: Context, book: Mapping[str, Command], *, prefix: str, since: datetime | None) -> Outcome:
    """The outcome of the commands step for ``envelope``."""
    word = command_word(envelope.payload, prefix)
    if not word:
        return Skip("not a command")
    command = book.get(word)
    if command is None:
        return Skip(f"no command {prefix}{word:.50}")
    refusal = _refusal(command, envelope)
    if refusal:
        return Skip(f"{prefix}{command.name} {refusal}")
    return await _call(command, envelope, ctx, book, prefix=prefix, since=since)


def command_word(payload: Mapping[str, Any], prefix: str) -> str:
    """The word behind ``prefix`` that a chat payload begins with, as it is compared; empty when there is none.

    A command that was called in another channel of a shared chat is that channel's to answer.
    """
    if payload.get("sourceChannelId"):
        return ""
    first = normalise(without_mention(payload).strip().partition(" ")[0])
    prefix = normalise(prefix)
    return first.removeprefix(prefix) if first.startswith(prefix) else ""


def _refusal(command: Command, envelope: Envelope) -> str:
    user = envelope.user
    if command.permission and command.permission not in user.permissions:
        return f"needs the permission {command.permission}"
    rank = LADDER.index(user.role) if user.role in LADDER else 0
    return f"needs the role {command.role}" if rank < LADDER.index(command.role) else ""


async def _call(
    command: Command, envelope: Envelope, ctx: Context, book: Mapping[str, Command], *, prefix: str, since: datetime | None
) -> Outcome:
    sandbox = SANDBOX if envelope.simulated else ""
    now = ctx.now()
    uses = await ctx.tx.get(USES + sandbox, command.name) or {}
    mine_key = f"{command.name}:{envelope.source.platform}:{envelope.user.id}"
    mine = await ctx.tx.get(USES + sandbox, mine_key) or {} if command.cooldown.user and envelope.user.id else {}
    rest = resting(command.cooldown, uses, mine, now)
    if rest is not None:
        document, key = (uses, command.name) if rest.everybody else (mine, mine_key)
        text = tell(command.cooldown, rest, document, envelope.user.display_name)
        if text:
            await ctx.tx.put(USES + sandbox, key, {**document, "told": document["at"]})
        return _rested(text, rest.seconds)
    last = uses.get("last")
    chosen = choose_reply(command.replies, last if isinstance(last, int) else None, ctx.random())
    used = {"count": uses.get("count", 0) + 1, "at": now.isoformat(), "last": chosen}
    await ctx.tx.put(USES + sandbox, command.name, used)
    if command.cooldown.user and envelope.user.id:
        await ctx.tx.put(USES + sandbox, mine_key, {"at": now.isoformat()})
    facts = Facts.of(envelope, now, known={"count": used["count"], "commands": _listed(book, prefix), "uptime": spoken_span(since, now)})
    return Handled(reply=render(command.replies[chosen], facts, random=ctx.random()))


def _rested(text: str, seconds: int) -> Outcome:
    """Handled all the same: nobody else has to answer a command that rests."""
    note = Annotation(kind="cooldown", value=seconds)
    return Handled(reply=Reply(kind="chat", text=text), annotations=[note]) if text else Handled(annotations=[note])


def _listed(book: Mapping[str, Command], prefix: str) -> str:
    return " ".join(sorted({f"{prefix}{command.name}" for command in book.values() if not command.hidden}))
