"""What the router makes of one message: the first rule that matches, and what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bitbrat import Annotation, Context, Envelope, Refused, Reply, RoutingStep
from bitbrat.envelope import MAX_ANNOTATIONS, MAX_REPLIES, MAX_STEPS
from bitbrat.rules import Facts, Match, Rule, Step
from bitbrat.slip import reroutes
from bitbrat.topics import TopicRegistry, step_topic
from services.router.firing import Fired, fire
from services.router.rulebook import Rulebook
from services.router.settings import RouterSettings

ROUTE = "route"


async def route(envelope: Envelope, ctx: Context, book: Rulebook, settings: RouterSettings) -> Envelope | Refused:
    """``envelope`` with what the first matching rule adds; or why it cannot have it. One that was handled or failed goes on as it is."""
    if envelope.status is not None:
        return envelope
    rules = book.rules
    facts = Facts.of(envelope, ctx.now())
    match = rules.match(facts, fired=fired_before(envelope), on_fault=lambda rule, reason: book.fault(rule.id, reason, ctx.log))
    if match is None:
        note = Annotation(kind=ROUTE, by="router", data={"ruleset": rules.hash})
        steps = () if envelope.routing_slip else tuple(Step(name) for name in settings.default_slip)
        return _with(envelope, [_step(step, "", ctx.registry) for step in steps], (), [note])
    ctx.log.info("rule.matched", envelope_id=envelope.id, rule=match.rule.id, version=match.version)
    fired = await fire(match.rule, envelope, ctx)
    notes = [_decision(match, rules.hash, fired), *fired.notes]
    steps = () if fired.resting else match.rule.slip
    return _with(_by_then(envelope, match.rule, ctx), [_step(step, match.rule.id, ctx.registry) for step in steps], fired.replies, notes)


def fired_before(envelope: Envelope) -> set[str]:
    """The rules that fired on this message before: they do not fire again."""
    on_steps = {step.attributes["rule"] for step in envelope.routing_slip if "rule" in step.attributes}
    return on_steps | {note.label for note in envelope.annotations if note.kind == ROUTE and note.by == "router" and note.label}


def _decision(match: Match, ruleset: str, fired: Fired) -> Annotation:
    """The matched rule, its version, why it matched; kept with the message."""
    data: dict[str, Any] = {"version": match.version, "ruleset": ruleset, "why": match.why, "explain": match.explain}
    if fired.resting:
        data |= {"resting": fired.resting, "why": f"{match.why} (resting for {fired.resting} s)"}
    return Annotation(kind=ROUTE, label=match.rule.id, by="router", data=data)


def _by_then(envelope: Envelope, rule: Rule, ctx: Context) -> Envelope:
    """A rule's deadline counts from now; it never moves an earlier one."""
    if rule.deadline is None:
        return envelope
    until = ctx.now() + timedelta(seconds=rule.deadline)
    return envelope if envelope.deadline is not None and envelope.deadline <= until else envelope.but(deadline=until)


def _step(step: Step, rule: str, registry: TopicRegistry) -> RoutingStep:
    attributes = {**step.attributes, **({"optional": "true"} if step.optional else {}), **({"rule": rule} if rule else {})}
    topic = registry.steps().get(step.step) or step_topic(step.step)
    attempts = {} if step.max_attempts is None else {"max_attempts": step.max_attempts}
    return RoutingStep(id=step.step, status="PENDING", destination=topic, **({"attributes": attributes} if attributes else {}), **attempts)


def _with(envelope: Envelope, steps: Sequence[RoutingStep], replies: Sequence[Reply], notes: Sequence[Annotation]) -> Envelope | Refused:
    """``envelope`` with all of it, unless it would outgrow what an envelope may hold."""
    slip, said, noted = (*envelope.routing_slip, *steps), (*envelope.replies, *replies), (*envelope.annotations, *notes)
    if len(slip) > MAX_STEPS:
        times = reroutes(envelope)
        return Refused(envelope, "slip.too_long", f"the slip would have {len(slip)} steps after {times} reroutes; the limit is {MAX_STEPS}")
    if len(said) > MAX_REPLIES or len(noted) > MAX_ANNOTATIONS:
        return Refused(envelope, "envelope.too_large", f"the envelope would have {len(said)} replies and {len(noted)} annotations")
    changed = envelope.but(routing_slip=slip, annotations=noted)
    return changed.but(replies=said) if replies else changed
