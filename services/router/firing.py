"""A rule fires: its replies are chosen and filled in, its annotations made, and its cooldown kept."""

from __future__ import annotations

from typing import Any, NamedTuple

from bitbrat import Annotation, Context, Envelope, Reply
from bitbrat.rules import Facts, Rule, choose_reply, render
from bitbrat.rules.resting import Rest, resting, tell

USES = "rule_uses"
SANDBOX = "~simulated"


class Fired(NamedTuple):
    """What the rule says and notes; ``resting``: whole seconds that it still rests, so that nothing else comes of it."""

    replies: tuple[Reply, ...] = ()
    notes: tuple[Annotation, ...] = ()
    resting: int = 0


async def fire(rule: Rule, envelope: Envelope, ctx: Context) -> Fired:
    """Let ``rule`` fire on ``envelope``, unless it rests."""
    if not _remembers(rule):
        return _speak(rule, envelope, ctx, uses={})
    uses = await _Uses.read(rule, envelope, ctx)
    rest = resting(rule.cooldown, uses.all, uses.mine, ctx.now()) if rule.cooldown else None
    if rest is not None:
        return await _rest(rule, envelope, uses, rest)
    fired = _speak(rule, envelope, ctx, uses.all)
    await uses.used()
    return fired


def _remembers(rule: Rule) -> bool:
    """Whether anything must be kept of this rule's uses. Most rules need no document, and so no lock."""
    return rule.cooldown is not None or len(rule.replies) > 1 or any("{count}" in reply.text for reply in rule.replies)


def _speak(rule: Rule, envelope: Envelope, ctx: Context, uses: dict[str, Any]) -> Fired:
    """One of the rule's replies, not the last one again, and its annotations."""
    by = f"router/{rule.id}"
    uses["count"] = uses.get("count", 0) + 1
    notes = tuple(_note(note.to_json(), by) for note in rule.annotations)
    if not rule.replies:
        return Fired((), notes)
    last = uses.get("last")
    uses["last"] = choose_reply(rule.replies, last if isinstance(last, int) else None, ctx.random())
    template = rule.replies[uses["last"]]
    facts = Facts.of(envelope, ctx.now(), known={"count": uses["count"]})
    return Fired((Reply(kind=template.kind, text=render(template.text, facts, random=ctx.random()), by=by),), notes)


def _note(fields: dict[str, Any], by: str) -> Annotation:
    return Annotation.model_validate({**fields, "by": by})


async def _rest(rule: Rule, envelope: Envelope, uses: _Uses, rest: Rest) -> Fired:
    assert rule.cooldown is not None, "a rule without a cooldown never rests"  # noqa: S101 - the caller's condition
    text = tell(rule.cooldown, rest, uses.all if rest.everybody else uses.mine, envelope.user.display_name)
    if not text:
        return Fired(resting=rest.seconds)
    await uses.told(everybody=rest.everybody)
    return Fired((Reply(kind="chat", text=text, by=f"router/{rule.id}"),), (), rest.seconds)


class _Uses:
    """The documents of a rule's uses: ``all`` is everybody's, ``mine`` the user's. Simulated events have their own."""

    def __init__(self, rule: Rule, envelope: Envelope, ctx: Context) -> None:
        self._ctx = ctx
        self._collection = USES + (SANDBOX if envelope.simulated else "")
        self._rule = rule.id
        per_user = rule.cooldown is not None and rule.cooldown.user > 0 and bool(envelope.user.id)
        self._user = f"{rule.id}:{envelope.source.platform}:{envelope.user.id}" if per_user else ""
        self.all: dict[str, Any] = {}
        self.mine: dict[str, Any] = {}

    @classmethod
    async def read(cls, rule: Rule, envelope: Envelope, ctx: Context) -> _Uses:
        """As they are now; they stay locked until the hop is decided, always in this order."""
        uses = cls(rule, envelope, ctx)
        uses.all = await ctx.tx.get(uses._collection, uses._rule) or {}
        uses.mine = await ctx.tx.get(uses._collection, uses._user) or {} if uses._user else {}
        return uses

    async def used(self) -> None:
        """It was used now."""
        at = self._ctx.now().isoformat()
        kept = {name: self.all[name] for name in ("count", "last") if name in self.all}
        await self._ctx.tx.put(self._collection, self._rule, {**kept, "at": at})
        if self._user:
            await self._ctx.tx.put(self._collection, self._user, {"at": at})

    async def told(self, *, everybody: bool) -> None:
        """Somebody was told that it rests."""
        key, document = (self._rule, self.all) if everybody else (self._user, self.mine)
        await self._ctx.tx.put(self._collection, key, {**document, "told": document["at"]})
