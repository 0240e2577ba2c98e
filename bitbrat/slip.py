"""The law of the slip: everything that decides where an envelope goes stands in this file.

A step's outcome (``advance``):

    outcome             current step   rest of the slip   status    goes to
    ------------------  -------------  -----------------  --------  ------------------------------------------
    Next                OK             untouched          -         next PENDING step; none left: the end
    Skip                SKIP           untouched          -         next PENDING step; none left: the end
    Handled             OK             SKIP               HANDLED   source.egressDestination, else completion
    Failed, to retry    PENDING, +1    untouched          -         this step's own topic again, notBefore
    Failed, for good    ERROR          SKIP (not run)     FAILED    completion
    Revise              OK             new steps at end   -         next PENDING step
    Reroute             OK             SKIP               -         internal.reroute.v1

A platform service's visit (``forward``), which adds exactly one entry to the trail:

    ingress     internal.ingress.v1
    auth        internal.authenticated.v1; a refused user: completion, HANDLED
    router      first PENDING step; none: the end
    egress      completion
    finalizer   egress once, for replies that nobody delivered yet; else nowhere
    dlq         nowhere

    the end     undelivered replies and an egress destination: egress; else completion
    completion  finalizationDestination; absent: internal.dlq.v1, reason slip.no_completion

No I/O, no clock, no randomness, no transport. Source: seed 003 ("Messaging") and ``docs/reference/contract.md`` §3, §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal, NamedTuple

from bitbrat.envelope import (
    MAX_ANNOTATIONS,
    MAX_NOTE,
    MAX_REPLIES,
    MAX_STEPS,
    MAX_TRAIL,
    Delivered,
    Envelope,
    Reply,
    RoutingStep,
    Status,
    StepError,
    Visit,
    format_time,
)
from bitbrat.errors import SlipError
from bitbrat.outcome import Dispatch, Failed, Handled, Next, Outcome, Reroute, Revise, Skip
from bitbrat.topics import AUTHENTICATED, DLQ, INGRESS, REROUTE, is_topic, platform_role, step_topic

MAX_ATTEMPTS = 10
MAX_REROUTES = 10

Role = Literal["ingress", "auth", "router", "egress", "finalizer", "dlq"]


class Goes(Enum):
    """Where an envelope goes after a turn."""

    ONWARD = "the next PENDING step; none left: the end"
    EGRESS = "the source's egress destination, else completion"
    COMPLETION = "the completion destination, else the dead letters"
    REROUTE = "the router, for a new slip"
    INGRESS = "auth"
    AUTHENTICATED = "the router"
    REPLIES = "egress, if replies are still to be delivered; else nowhere"
    NOWHERE = "nowhere: this is the end"


class Turn(NamedTuple):
    """One row of the table: what becomes of the current step, of the rest, of the envelope, and where it goes."""

    step: Status
    rest: Status | None
    status: Literal["HANDLED", "FAILED"] | None
    goes: Goes


TURNS: dict[type[Outcome], Turn] = {
    Next: Turn("OK", None, None, Goes.ONWARD),
    Skip: Turn("SKIP", None, None, Goes.ONWARD),
    Handled: Turn("OK", "SKIP", "HANDLED", Goes.EGRESS),
    Failed: Turn("ERROR", "SKIP", "FAILED", Goes.COMPLETION),
    Revise: Turn("OK", None, None, Goes.ONWARD),
    Reroute: Turn("OK", "SKIP", None, Goes.REROUTE),
}

VISITS: dict[Role, Goes] = {
    "ingress": Goes.INGRESS,
    "auth": Goes.AUTHENTICATED,
    "router": Goes.ONWARD,
    "egress": Goes.COMPLETION,
    "finalizer": Goes.REPLIES,
    "dlq": Goes.NOWHERE,
}


# Identity (contract §4) ---------------------------------------------------------------------------------------------


def step_hop_id(envelope: Envelope, index: int) -> str:
    """The hop of the step at ``index``: the unit of execution once, and a handler's idempotency key."""
    return f"{envelope.id}:{index}"


def visit_hop_id(envelope: Envelope, role: str) -> str:
    """The hop of a platform service that receives ``envelope`` as it is: a second visit finds a longer trail."""
    return f"{envelope.id}:{role}@{len(envelope.routing_slip)}.{len(envelope.trail)}"


def wire_id(hop_id: str, attempt: int = 0) -> str:
    """The broker's dedupe key of one attempt at a hop."""
    return f"{hop_id}:{attempt}"


def locate(envelope: Envelope, topic: str) -> int:
    """The index of the step that ``envelope`` is at, which must be the one that listens on ``topic``.

    Raises ``slip.inconsistent`` when no step is left to run or the envelope was handled or failed before,
    ``slip.wrong_step`` when the current step lives elsewhere.
    """
    index = _running(envelope)
    step = envelope.routing_slip[index]
    if step.destination != topic:
        raise SlipError("slip.wrong_step", f"step {index} ({step.id}) is at {step.destination}, the message came on {topic}")
    return index


def _running(envelope: Envelope) -> int:
    """The index of the current step, of an envelope that is still on its way."""
    index = envelope.current
    if index is None:
        raise SlipError("slip.inconsistent", "no step on the slip is PENDING")
    if envelope.status is not None:
        raise SlipError("slip.inconsistent", f"the envelope is {envelope.status} already, but step {index} is PENDING")
    return index


# The turn of a step -------------------------------------------------------------------------------------------------


def advance(envelope: Envelope, outcome: Outcome, *, now: datetime, retry_in: float, started_at: datetime | None = None) -> Dispatch:
    """Where ``envelope`` goes after its current step ended with ``outcome``.

    ``now`` is when the step ended, ``started_at`` when it began (default: ``now``); ``retry_in`` is how many seconds a
    retry would wait. Exactly one dispatch comes back. Raises ``slip.inconsistent`` when no step is PENDING or the envelope
    was handled or failed before.
    """
    index = _running(envelope)
    step = envelope.routing_slip[index]
    if isinstance(outcome, Failed) and _may_retry(envelope, step, outcome, now, retry_in):
        return _retry(envelope, index, now + timedelta(seconds=retry_in))
    outcome = _bounded(envelope, outcome)
    turn = TURNS[type(outcome)]
    ended = step.but(status=turn.step, started_at=started_at or now, ended_at=now, **_step_changes(step, outcome))
    rest = [_closed(other, turn) for other in envelope.routing_slip[index + 1 :]]
    slip = (*envelope.routing_slip[:index], ended, *rest, *_new_steps(outcome))
    changes: dict[str, Any] = {"routing_slip": slip, **_carried(envelope, outcome, step.id)}
    if turn.status is not None:
        changes["status"] = turn.status
    return _go(envelope.but(**changes), turn.goes)


def _bounded(envelope: Envelope, outcome: Outcome) -> Outcome:
    """``outcome``, or the failure that it is when it would break one of the slip's limits."""
    if isinstance(outcome, Revise):
        if len(envelope.routing_slip) + len(outcome.steps) > MAX_STEPS:
            return Failed("slip.too_long", f"the slip would have more than {MAX_STEPS} steps")
        nowhere = next((step for step in outcome.steps if isinstance(step, str) and not is_topic(step_topic(step))), None)
        if nowhere is not None:
            return Failed("slip.unroutable", f"no step can be called {nowhere!r:.80}")
    if isinstance(outcome, Reroute) and reroutes(envelope) >= MAX_REROUTES:
        return Failed("slip.too_many_reroutes", f"the envelope was rerouted {MAX_REROUTES} times already")
    if not isinstance(outcome, Revise | Reroute):
        if len(envelope.replies) + len(_replies(outcome)) > MAX_REPLIES:
            return Failed("envelope.too_large", f"the envelope would have more than {MAX_REPLIES} replies")
        if len(envelope.annotations) + len(outcome.annotations) > MAX_ANNOTATIONS:
            return Failed("envelope.too_large", f"the envelope would have more than {MAX_ANNOTATIONS} annotations")
    return outcome


def reroutes(envelope: Envelope) -> int:
    """How often this envelope asked for a new slip."""
    return sum("reroute" in step.attributes for step in envelope.routing_slip)


def attempts_allowed(step: RoutingStep) -> int:
    """How often a step may be attempted: its ``maxAttempts``, at most ten."""
    return min(step.max_attempts, MAX_ATTEMPTS)


def _may_retry(envelope: Envelope, step: RoutingStep, outcome: Failed, now: datetime, retry_in: float) -> bool:
    if not outcome.retryable or step.attempt + 1 >= attempts_allowed(step):
        return False
    return envelope.deadline is None or now + timedelta(seconds=retry_in) <= envelope.deadline


def _retry(envelope: Envelope, index: int, not_before: datetime) -> Dispatch:
    """The same step again, as a new message. What the failed attempt carried is dropped."""
    step = envelope.routing_slip[index]
    again = step.but(attempt=step.attempt + 1, attributes={**step.attributes, "notBefore": format_time(not_before)})
    slip = (*envelope.routing_slip[:index], again, *envelope.routing_slip[index + 1 :])
    return _to_step(envelope.but(routing_slip=slip), index, not_before=not_before)


def _step_changes(step: RoutingStep, outcome: Outcome) -> dict[str, Any]:
    """What the outcome writes on its own step, besides the status and the times."""
    if isinstance(outcome, Failed):
        return {"error": StepError(code=outcome.code, message=cut(outcome.message), retryable=outcome.retryable)}
    if isinstance(outcome, Reroute):
        return {"attributes": {**step.attributes, "reroute": cut(outcome.reason)}}
    if isinstance(outcome, Skip) and outcome.reason:
        return {"notes": cut(outcome.reason)}
    return {}


def _closed(step: RoutingStep, turn: Turn) -> RoutingStep:
    """A step behind the current one: as it is, or closed without having run."""
    if turn.rest is None or step.status != "PENDING":
        return step
    return step.but(status=turn.rest, notes="not run") if turn.status == "FAILED" else step.but(status=turn.rest)


def _new_steps(outcome: Outcome) -> Iterable[RoutingStep]:
    return [_named(step) for step in outcome.steps] if isinstance(outcome, Revise) else ()


def _named(step: str | RoutingStep) -> RoutingStep:
    if isinstance(step, str):
        return RoutingStep(id=step, status="PENDING", destination=step_topic(step))
    return step.but(status="PENDING", attempt=0)


def cut(text: str) -> str:
    """``text`` as it may stand on a step: whole characters, at most 1 KiB of UTF-8."""
    return text.encode("utf-8", "replace")[:MAX_NOTE].decode("utf-8", "ignore")


def _carried(envelope: Envelope, outcome: Outcome, by: str) -> dict[str, Any]:
    """Payload, annotations and replies of ``outcome``, put on the envelope in the name of the step ``by``."""
    if isinstance(outcome, Revise | Reroute):
        return {}
    changes: dict[str, Any] = {}
    if outcome.payload is not None:
        changes["payload"] = dict(outcome.payload)
    if outcome.annotations:
        changes["annotations"] = (*envelope.annotations, *(annotation.but(by=by) for annotation in outcome.annotations))
    replies = _replies(outcome)
    if replies:
        changes["replies"] = (*envelope.replies, *(_reply(reply, by) for reply in replies))
    return changes


def _replies(outcome: Next | Skip | Handled | Failed) -> Sequence[Reply | str]:
    if isinstance(outcome, Handled) and outcome.reply is not None:
        return (*outcome.replies, outcome.reply)
    return outcome.replies


def _reply(reply: Reply | str, by: str) -> Reply:
    return Reply(kind="chat", text=reply, by=by) if isinstance(reply, str) else reply.but(kind=reply.kind, by=by)


# The visit of a platform service ------------------------------------------------------------------------------------


def forward(
    envelope: Envelope, role: Role, *, now: datetime, error: StepError | None = None, started_at: datetime | None = None
) -> Dispatch | None:
    """Where ``envelope``, as the platform service ``role`` leaves it, goes next; None when this is the end.

    ``error`` is why the visit did not work: a user whom auth refuses (an ``auth.`` code) is handled with that; anything
    else goes to the dead letters under its code. ``started_at`` is when the visit began (default: ``now``).
    """
    visit = Visit(service=role, started_at=started_at or now, ended_at=now)
    been = any(entry.service == "egress" for entry in envelope.trail)
    left = envelope.but(trail=(*envelope.trail, visit))
    dispatch = _refused(left, role, error) if error is not None else _visited(left, VISITS[role], been=been, now=now)
    if dispatch is not None and len(left.trail) > MAX_TRAIL:
        return _to_platform(envelope, DLQ, reason="envelope.too_large")  # nobody could read it with one more entry
    return dispatch


def _visited(envelope: Envelope, goes: Goes, *, been: bool, now: datetime) -> Dispatch | None:
    """Where an envelope goes after a visit that worked; ``been``: egress had it before."""
    if goes is Goes.REPLIES:
        return _go(envelope, Goes.EGRESS) if not been and _may_reply(envelope, now) else None
    return None if goes is Goes.NOWHERE else _go(envelope, goes)


def _refused(envelope: Envelope, role: Role, error: StepError) -> Dispatch | None:
    if role == "dlq":
        return None
    if role == "auth" and error.code.startswith("auth."):
        slip = tuple(_closed(step, TURNS[Handled]) for step in envelope.routing_slip)
        return _go(envelope.but(status="HANDLED", routing_slip=slip), Goes.COMPLETION)
    return _to_platform(envelope, DLQ, reason=error.code)


def _may_reply(envelope: Envelope, now: datetime) -> bool:
    """Whether the finalizer may still send what nobody delivered."""
    if not envelope.undelivered or envelope.source.egress_destination is None or envelope.simulated:
        return False
    return envelope.deadline is None or now <= envelope.deadline


# A destination that is refused --------------------------------------------------------------------------------------


def divert(dispatch: Dispatch, code: str, *, now: datetime) -> Dispatch:
    """Where an envelope goes instead, when its next destination is refused with ``code``.

    A step that cannot be reached ends in ERROR; replies that cannot be sent are settled with the error, so that nobody
    tries again; a completion destination that does not exist leaves the dead letters.
    """
    envelope = dispatch.envelope
    if dispatch.to == "step":
        return advance(envelope, Failed(code, f"nothing is sent to {dispatch.topic}"), now=now, retry_in=0)
    if dispatch.to == "egress":
        error = StepError(code=code, message=f"nothing is sent to {dispatch.topic}")
        settled = tuple(_settled(reply, error, now) for reply in envelope.replies)
        return _go(envelope.but(replies=settled) if settled else envelope, Goes.COMPLETION)
    return _to_platform(envelope, DLQ, reason=code)


def _settled(reply: Reply, error: StepError, now: datetime) -> Reply:
    return reply if reply.delivered is not None else reply.but(delivered=Delivered(at=now, error=error))


# Where it goes ------------------------------------------------------------------------------------------------------


def onward(envelope: Envelope) -> Dispatch:
    """To the current step of ``envelope``; none is left: to the end. The way of the router and of a replay."""
    return _go(envelope, Goes.ONWARD)


def _go(envelope: Envelope, goes: Goes) -> Dispatch:
    if goes is Goes.ONWARD:
        index = envelope.current
        if index is not None:
            return _to_step(envelope, index)
        goes = Goes.EGRESS if envelope.undelivered else Goes.COMPLETION
    fixed = _FIXED.get(goes)
    if fixed is not None:
        return _to_platform(envelope, fixed)
    if goes is Goes.EGRESS and envelope.source.egress_destination is not None:
        return _to_platform(envelope, envelope.source.egress_destination, role="egress", to="egress")
    if envelope.finalization_destination is None:
        return _to_platform(envelope, DLQ, reason="slip.no_completion")
    return _to_platform(envelope, envelope.finalization_destination, role="finalizer", to="completion")


_FIXED = {Goes.INGRESS: INGRESS, Goes.AUTHENTICATED: AUTHENTICATED, Goes.REROUTE: REROUTE}


def _to_step(envelope: Envelope, index: int, *, not_before: datetime | None = None) -> Dispatch:
    step = envelope.routing_slip[index]
    return Dispatch(step.destination, envelope, wire_id(step_hop_id(envelope, index), step.attempt), not_before, to="step")


def _to_platform(
    envelope: Envelope,
    topic: str,
    *,
    role: str = "finalizer",
    reason: str | None = None,
    to: Literal["egress", "completion", "platform"] = "platform",
) -> Dispatch:
    role = platform_role(topic) or role
    return Dispatch(topic, envelope, wire_id(visit_hop_id(envelope, role)), reason=reason, to=to)
