"""The tables of the contract (§3), every row and every edge: where an envelope goes, and what is written on it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bitbrat import codec, slip
from bitbrat.envelope import Envelope, StepError, Visit, format_time
from bitbrat.errors import SlipError
from bitbrat.outcome import Dispatch, Failed, Handled, Next, Reroute, Revise, Skip
from bitbrat.slip import advance, divert, forward
from tests.unit.law import BEGAN, DONE, EGRESS, NOW, been, event, note, reply, step

RAN = {"startedAt": format_time(BEGAN), "endedAt": format_time(NOW)}
LATER = NOW + timedelta(seconds=4)


def _error(code: str, message: str = "", retryable: bool = False) -> dict[str, Any]:
    return {**RAN, "error": {"code": code, "message": message, "retryable": retryable}}


def _retried(attempt: int) -> dict[str, Any]:
    return {"attempt": attempt, "attributes": {"notBefore": format_time(LATER)}}


@dataclass(frozen=True)
class Expect:
    """All that a turn leaves behind. ``wrote`` is everything on the current step besides its id, status and topic."""

    slip: str
    topic: str
    wire: str
    status: str | None = None
    wrote: dict[str, Any] = field(default_factory=lambda: RAN)
    trail: str = ""
    replies: str = ""
    notes: str = ""
    payload: dict[str, Any] = field(default_factory=lambda: {"text": "hi"})
    reason: str | None = None
    not_before: Any = None


def _a_turn(outcome: Any) -> Callable[[Envelope], Dispatch | None]:
    return lambda envelope: advance(envelope, outcome, now=NOW, retry_in=4, started_at=BEGAN)


def _a_visit(role: Any, code: str | None = None) -> Callable[[Envelope], Dispatch | None]:
    why = None if code is None else StepError(code=code)
    return lambda envelope: forward(envelope, role, now=NOW, error=why, started_at=BEGAN)


def _a_refusal(dispatch: Callable[[Envelope], Dispatch | None]) -> Callable[[Envelope], Dispatch | None]:
    def refused(envelope: Envelope) -> Dispatch:
        first = dispatch(envelope)
        assert first is not None
        return divert(first, "slip.unroutable", now=NOW)

    return refused


def _many(count: int, what: Callable[[str], Any]) -> tuple[Any, ...]:
    return tuple(what(f"n{i}") for i in range(count))


def _joined(count: int) -> str:
    return " ".join(f"n{i}" for i in range(count))


REROUTED = {"attributes": {"reroute": "again"}}
LAST = {0: {"attempt": 2}}
TWICE = Failed("x.y", "no luck", retryable=True)
CARRIED: dict[str, Any] = {"payload": {"text": "new"}, "replies": ["r", reply("q")], "annotations": [note("n")]}
KEPT: dict[str, Any] = {"payload": {"text": "new"}, "replies": "r q", "notes": "n"}

ROWS: list[tuple[str, Envelope, Callable[[Envelope], Dispatch | None], Expect | None]] = [
    # Next
    ("Next: the step is OK, the next PENDING one is up", event("PENDING PENDING PENDING"), _a_turn(Next()),
     Expect("OK PENDING PENDING", "internal.s1.v1", "e1:1:0")),
    ("Next passes over steps that are closed already", event("PENDING SKIP PENDING"), _a_turn(Next()),
     Expect("OK SKIP PENDING", "internal.s2.v1", "e1:2:0")),
    ("Next goes to the attempt that the next step is at", event("PENDING PENDING", {1: {"attempt": 2}}), _a_turn(Next()),
     Expect("OK PENDING", "internal.s1.v1", "e1:1:2")),
    ("Next on the last step, nothing to say: completion", event("OK PENDING"), _a_turn(Next()),
     Expect("OK OK", DONE, "e1:finalizer@2.0:0")),
    ("Next on the last step, an undelivered reply: egress", event(replies=(reply("r"),)), _a_turn(Next()),
     Expect("OK", EGRESS, "e1:egress@1.0:0", replies="r")),
    ("Next on the last step, all replies delivered: completion", event(replies=(reply("r", delivered=True),)), _a_turn(Next()),
     Expect("OK", DONE, "e1:finalizer@1.0:0", replies="r")),
    ("Next on the last step, a reply but no egress destination: completion", event(egress=None, replies=(reply("r"),)), _a_turn(Next()),
     Expect("OK", DONE, "e1:finalizer@1.0:0", replies="r")),
    ("Next on the last step, a reply, neither egress nor completion: dead letters",
     event(egress=None, completion=None, replies=(reply("r"),)), _a_turn(Next()),
     Expect("OK", "internal.dlq.v1", "e1:dlq@1.0:0", replies="r", reason="slip.no_completion")),
    ("Next on the last step without a completion destination: dead letters", event(completion=None), _a_turn(Next()),
     Expect("OK", "internal.dlq.v1", "e1:dlq@1.0:0", reason="slip.no_completion")),
    ("any other completion topic is honoured", event(completion="internal.finalizer.v1"), _a_turn(Next()),
     Expect("OK", "internal.finalizer.v1", "e1:finalizer@1.0:0")),
    ("Next carries payload, replies and annotations, in the step's name", event("PENDING PENDING"), _a_turn(Next(**CARRIED)),
     Expect("OK PENDING", "internal.s1.v1", "e1:1:0", **KEPT)),
    ("Next appends to what was said and found before", event("PENDING PENDING", replies=(reply("a"),), annotations=(note("b"),)),
     _a_turn(Next(replies=["r"], annotations=[note("n")])), Expect("OK PENDING", "internal.s1.v1", "e1:1:0", replies="a r", notes="b n")),
    ("an empty payload replaces too", event("PENDING PENDING"), _a_turn(Next(payload={})),
     Expect("OK PENDING", "internal.s1.v1", "e1:1:0", payload={})),
    ("the trail stays as it is, and counts in the next visit's id", event(trail=been("ingress", "auth")), _a_turn(Next()),
     Expect("OK", DONE, "e1:finalizer@1.2:0", trail="ingress auth")),
    # Skip
    ("Skip: the step is SKIP with the reason, the next PENDING one is up", event("PENDING PENDING"), _a_turn(Skip("not for me")),
     Expect("SKIP PENDING", "internal.s1.v1", "e1:1:0", wrote={**RAN, "notes": "not for me"})),
    ("Skip without a reason writes no note", event("PENDING PENDING"), _a_turn(Skip()), Expect("SKIP PENDING", "internal.s1.v1", "e1:1:0")),
    ("Skip on the last step: the end", event(), _a_turn(Skip()), Expect("SKIP", DONE, "e1:finalizer@1.0:0")),
    ("Skip may carry too", event("PENDING PENDING"), _a_turn(Skip(**CARRIED)), Expect("SKIP PENDING", "internal.s1.v1", "e1:1:0", **KEPT)),
    ("a reason is cut to 1 KiB of whole characters", event("PENDING PENDING"), _a_turn(Skip("a" + "é" * 512)),
     Expect("SKIP PENDING", "internal.s1.v1", "e1:1:0", wrote={**RAN, "notes": "a" + "é" * 511})),
    ("a reason of 1 KiB is not cut", event("PENDING PENDING"), _a_turn(Skip("é" * 512)),
     Expect("SKIP PENDING", "internal.s1.v1", "e1:1:0", wrote={**RAN, "notes": "é" * 512})),
    # Handled
    ("Handled: the rest is SKIP, the reply goes to egress", event("PENDING PENDING PENDING"), _a_turn(Handled(reply="r")),
     Expect("OK SKIP SKIP", EGRESS, "e1:egress@3.0:0", "HANDLED", replies="r")),
    ("Handled leaves what is decided already", event("PENDING ERROR PENDING"), _a_turn(Handled()),
     Expect("OK ERROR SKIP", EGRESS, "e1:egress@3.0:0", "HANDLED")),
    ("Handled without a reply goes to egress as well", event("OK PENDING PENDING"), _a_turn(Handled()),
     Expect("OK OK SKIP", EGRESS, "e1:egress@3.0:0", "HANDLED")),
    ("Handled without an egress destination: completion", event("PENDING PENDING", egress=None), _a_turn(Handled(reply="r")),
     Expect("OK SKIP", DONE, "e1:finalizer@2.0:0", "HANDLED", replies="r")),
    ("Handled without egress and completion: dead letters", event(egress=None, completion=None), _a_turn(Handled()),
     Expect("OK", "internal.dlq.v1", "e1:dlq@1.0:0", "HANDLED", reason="slip.no_completion")),
    ("Handled may carry, and its one reply comes last", event(), _a_turn(Handled(reply=reply("last"), **CARRIED)),
     Expect("OK", EGRESS, "e1:egress@1.0:0", "HANDLED", payload={"text": "new"}, replies="r q last", notes="n")),
    ("an egress topic of another name is honoured", event(egress="internal.egress1.v1"), _a_turn(Handled()),
     Expect("OK", "internal.egress1.v1", "e1:egress@1.0:0", "HANDLED")),
    # Failed, to be retried
    ("Failed, retryable: the same step again, a new attempt, not before", event("PENDING PENDING"), _a_turn(TWICE),
     Expect("PENDING PENDING", "internal.s0.v1", "e1:0:1", wrote=_retried(1), not_before=LATER)),
    ("what a retried attempt carried is dropped", event("PENDING PENDING"), _a_turn(Failed("x.y", retryable=True, **CARRIED)),
     Expect("PENDING PENDING", "internal.s0.v1", "e1:0:1", wrote=_retried(1), not_before=LATER)),
    ("a retried attempt that carried too much is retried all the same", event(), _a_turn(Failed("x.y", retryable=True, replies=["r"] * 17)),
     Expect("PENDING", "internal.s0.v1", "e1:0:1", wrote=_retried(1), not_before=LATER)),
    ("the second retry, of a later step", event("OK PENDING PENDING", {1: {"attempt": 1, "attributes": {"k": "v"}}}), _a_turn(TWICE),
     Expect("OK PENDING PENDING", "internal.s1.v1", "e1:1:2", not_before=LATER,
            wrote={"attempt": 2, "attributes": {"k": "v", "notBefore": format_time(LATER)}})),
    ("a retry that starts exactly at the deadline is in time", event(deadline=LATER), _a_turn(TWICE),
     Expect("PENDING", "internal.s0.v1", "e1:0:1", wrote=_retried(1), not_before=LATER)),
    ("with maxAttempts 20 the tenth attempt is still made", event(at={0: {"attempt": 8, "maxAttempts": 20}}), _a_turn(TWICE),
     Expect("PENDING", "internal.s0.v1", "e1:0:9", wrote={**_retried(9), "maxAttempts": 20}, not_before=LATER)),
    # Failed, for good
    ("Failed, not retryable: ERROR, the rest not run, completion", event("PENDING PENDING PENDING"), _a_turn(Failed("x.y", "no luck")),
     Expect("ERROR SKIP:not-run SKIP:not-run", DONE, "e1:finalizer@3.0:0", "FAILED", _error("x.y", "no luck"))),
    ("Failed at the last of three attempts is for good", event("PENDING PENDING", LAST), _a_turn(TWICE),
     Expect("ERROR SKIP:not-run", DONE, "e1:finalizer@2.0:0", "FAILED", {"attempt": 2, **_error("x.y", "no luck", True)})),
    ("maxAttempts 1 never retries", event(at={0: {"maxAttempts": 1}}), _a_turn(TWICE),
     Expect("ERROR", DONE, "e1:finalizer@1.0:0", "FAILED", {"maxAttempts": 1, **_error("x.y", "no luck", True)})),
    ("the eleventh attempt is never made, whatever maxAttempts says", event(at={0: {"attempt": 9, "maxAttempts": 20}}), _a_turn(TWICE),
     Expect("ERROR", DONE, "e1:finalizer@1.0:0", "FAILED", {"attempt": 9, "maxAttempts": 20, **_error("x.y", "no luck", True)})),
    ("a retry that would start after the deadline is not made", event(deadline=LATER - timedelta(microseconds=1)), _a_turn(TWICE),
     Expect("ERROR", DONE, "e1:finalizer@1.0:0", "FAILED", _error("x.y", "no luck", True))),
    ("a final failure may apologise; the finalizer sends it", event("PENDING PENDING"), _a_turn(Failed("x.y", **CARRIED)),
     Expect("ERROR SKIP:not-run", DONE, "e1:finalizer@2.0:0", "FAILED", _error("x.y"), **KEPT)),
    ("a failure without a completion destination: dead letters", event(completion=None), _a_turn(Failed("x.y")),
     Expect("ERROR", "internal.dlq.v1", "e1:dlq@1.0:0", "FAILED", _error("x.y"), reason="slip.no_completion")),
    ("a failure's message is cut to 1 KiB", event(), _a_turn(Failed("x.y", "m" * 1025)),
     Expect("ERROR", DONE, "e1:finalizer@1.0:0", "FAILED", _error("x.y", "m" * 1024))),
    ("half a surrogate pair in a message does not reach the wire", event(), _a_turn(Failed("x.y", "a\ud800b")),
     Expect("ERROR", DONE, "e1:finalizer@1.0:0", "FAILED", _error("x.y", "a?b"))),
    # Limits
    ("16 replies are allowed", event("PENDING PENDING", replies=_many(15, reply)), _a_turn(Next(replies=["r"])),
     Expect("OK PENDING", "internal.s1.v1", "e1:1:0", replies=_joined(15) + " r")),
    ("the 17th reply: the step fails, what it carried is dropped", event("PENDING PENDING", replies=_many(15, reply)),
     _a_turn(Handled(reply="r", replies=["q"], annotations=[note("n")], payload={})),
     Expect("ERROR SKIP:not-run", DONE, "e1:finalizer@2.0:0", "FAILED", replies=_joined(15),
            wrote=_error("envelope.too_large", "the envelope would have more than 16 replies"))),
    ("256 annotations are allowed", event("PENDING PENDING", annotations=_many(255, note)), _a_turn(Next(annotations=[note("n")])),
     Expect("OK PENDING", "internal.s1.v1", "e1:1:0", notes=_joined(255) + " n")),
    ("the 257th annotation: the step fails", event("PENDING PENDING", annotations=_many(255, note)),
     _a_turn(Next(annotations=[note("n"), note("m")])),
     Expect("ERROR SKIP:not-run", DONE, "e1:finalizer@2.0:0", "FAILED", notes=_joined(255),
            wrote=_error("envelope.too_large", "the envelope would have more than 256 annotations"))),
    # Revise
    ("Revise: the named steps stand at the end, PENDING", event("PENDING PENDING"), _a_turn(Revise("fresh", "more")),
     Expect("OK PENDING PENDING PENDING", "internal.s1.v1", "e1:1:0")),
    ("Revise on the last step goes to the first new one", event("OK PENDING"), _a_turn(Revise("fresh")),
     Expect("OK OK PENDING", "internal.fresh.v1", "e1:2:0")),
    ("Revise takes a step with its topic from the registry, and it has not run yet", event(),
     _a_turn(Revise(step(7, "OK", attempt=2, attributes={"optional": "true"}))), Expect("OK PENDING", "internal.s7.v1", "e1:1:0")),
    ("Revise with no steps is Next", event(), _a_turn(Revise()), Expect("OK", DONE, "e1:finalizer@1.0:0")),
    ("32 steps are allowed", event(" ".join(["PENDING"] * 31)), _a_turn(Revise("fresh")),
     Expect(" ".join(["OK"] + ["PENDING"] * 31), "internal.s1.v1", "e1:1:0")),
    ("the 33rd step: the step fails", event(" ".join(["PENDING"] * 31)), _a_turn(Revise("fresh", "more")),
     Expect(" ".join(["ERROR"] + ["SKIP:not-run"] * 30), DONE, "e1:finalizer@31.0:0", "FAILED",
            _error("slip.too_long", "the slip would have more than 32 steps"))),
    ("a name that no topic can have: the step fails", event("PENDING PENDING"), _a_turn(Revise("$JS.>")),
     Expect("ERROR SKIP:not-run", DONE, "e1:finalizer@2.0:0", "FAILED", _error("slip.unroutable", "no step can be called '$JS.>'"))),
    # Reroute
    ("Reroute: the rest is SKIP, the router writes a new slip", event("OK PENDING PENDING", trail=been("auth", "router")),
     _a_turn(Reroute("why")),
     Expect("OK OK SKIP", "internal.reroute.v1", "e1:router@3.2:0", trail="auth router", wrote={**RAN, "attributes": {"reroute": "why"}})),
    ("Reroute keeps the step's attributes, and cuts the reason to 1 KiB", event(at={0: {"attributes": {"priority": "1"}}}),
     _a_turn(Reroute("r" * 1025)),
     Expect("OK", "internal.reroute.v1", "e1:router@1.0:0", wrote={**RAN, "attributes": {"priority": "1", "reroute": "r" * 1024}})),
    ("the tenth reroute is allowed", event(" ".join(["OK"] * 9 + ["PENDING"]), dict.fromkeys(range(9), REROUTED)),
     _a_turn(Reroute("again")), Expect(" ".join(["OK"] * 10), "internal.reroute.v1", "e1:router@10.0:0", wrote={**RAN, **REROUTED})),
    ("ten reroutes behind it hinder no other outcome", event(" ".join(["OK"] * 10 + ["PENDING"]), dict.fromkeys(range(10), REROUTED)),
     _a_turn(Next()), Expect(" ".join(["OK"] * 11), DONE, "e1:finalizer@11.0:0")),
    ("the eleventh reroute: the step fails", event(" ".join(["OK"] * 10 + ["PENDING"]), dict.fromkeys(range(10), REROUTED)),
     _a_turn(Reroute("again")),
     Expect(" ".join(["OK"] * 10 + ["ERROR"]), DONE, "e1:finalizer@11.0:0", "FAILED",
            _error("slip.too_many_reroutes", "the envelope was rerouted 10 times already"))),
    # Platform services
    ("ingress sends to auth", event(""), _a_visit("ingress"), Expect("", "internal.ingress.v1", "e1:auth@0.1:0", trail="ingress")),
    ("auth sends to the router", event("", trail=been("ingress")), _a_visit("auth"),
     Expect("", "internal.authenticated.v1", "e1:router@0.2:0", trail="ingress auth")),
    ("a user whom auth refuses is handled", event("", trail=been("ingress")), _a_visit("auth", "auth.banned"),
     Expect("", DONE, "e1:finalizer@0.2:0", "HANDLED", trail="ingress auth")),
    ("a refused user's steps do not run", event("OK PENDING PENDING"), _a_visit("auth", "auth.banned"),
     Expect("OK SKIP SKIP", DONE, "e1:finalizer@3.1:0", "HANDLED", {}, trail="auth")),
    ("a refused user without a completion destination: dead letters", event("", completion=None), _a_visit("auth", "auth.banned"),
     Expect("", "internal.dlq.v1", "e1:dlq@0.1:0", "HANDLED", trail="auth", reason="slip.no_completion")),
    ("another error of auth: dead letters, under its code", event(""), _a_visit("auth", "store.bad_row"),
     Expect("", "internal.dlq.v1", "e1:dlq@0.1:0", trail="auth", reason="store.bad_row")),
    ("an auth code from another role: dead letters", event(""), _a_visit("router", "auth.banned"),
     Expect("", "internal.dlq.v1", "e1:dlq@0.1:0", trail="router", reason="auth.banned")),
    ("an error of the finalizer: dead letters", event("OK"), _a_visit("finalizer", "x.y"),
     Expect("OK", "internal.dlq.v1", "e1:dlq@1.1:0", trail="finalizer", reason="x.y")),
    ("the router sends to the first PENDING step", event("OK PENDING PENDING"), _a_visit("router"),
     Expect("OK PENDING PENDING", "internal.s1.v1", "e1:1:0", wrote={}, trail="router")),
    ("the router, nothing pending: completion", event("OK SKIP"), _a_visit("router"),
     Expect("OK SKIP", DONE, "e1:finalizer@2.1:0", trail="router")),
    ("the router, nothing pending but a reply of a rule: egress", event("", replies=(reply("r"),)), _a_visit("router"),
     Expect("", EGRESS, "e1:egress@0.1:0", trail="router", replies="r")),
    ("egress sends to completion", event("OK", replies=(reply("r", delivered=True),), trail=been("router")), _a_visit("egress"),
     Expect("OK", DONE, "e1:finalizer@1.2:0", trail="router egress", replies="r")),
    ("egress without a completion destination: dead letters", event("OK", completion=None), _a_visit("egress"),
     Expect("OK", "internal.dlq.v1", "e1:dlq@1.1:0", trail="egress", reason="slip.no_completion")),
    ("egress sends to completion also what it could not settle", event("OK", replies=(reply("r"),)), _a_visit("egress"),
     Expect("OK", DONE, "e1:finalizer@1.1:0", trail="egress", replies="r")),
    ("the finalizer sends an apology through egress", event("ERROR", status="FAILED", replies=(reply("sorry"),)), _a_visit("finalizer"),
     Expect("ERROR", EGRESS, "e1:egress@1.1:0", "FAILED", trail="finalizer", replies="sorry")),
    ("the finalizer does so up to the deadline", event("OK", deadline=NOW, replies=(reply("r"),)), _a_visit("finalizer"),
     Expect("OK", EGRESS, "e1:egress@1.1:0", trail="finalizer", replies="r")),
    ("the finalizer, one of two replies undelivered", event("OK", replies=(reply("a", delivered=True), reply("b"))), _a_visit("finalizer"),
     Expect("OK", EGRESS, "e1:egress@1.1:0", trail="finalizer", replies="a b")),
    ("the finalizer, nothing to say: the end", event("OK"), _a_visit("finalizer"), None),
    ("the finalizer, everything delivered: the end", event("OK", replies=(reply("r", delivered=True),)), _a_visit("finalizer"), None),
    ("the finalizer, no egress destination: the end", event("OK", egress=None, replies=(reply("r"),)), _a_visit("finalizer"), None),
    ("the finalizer, simulated: the end", event("OK", simulated=True, replies=(reply("r"),)), _a_visit("finalizer"), None),
    ("the finalizer, past the deadline: the end",
     event("OK", deadline=NOW - timedelta(microseconds=1), replies=(reply("r"),)), _a_visit("finalizer"), None),
    ("the finalizer, egress in the trail: the end", event("OK", replies=(reply("r"),), trail=been("egress")), _a_visit("finalizer"), None),
    ("the 64th visit still fits the trail", event("", trail=been(*["router"] * 63)), _a_visit("router"),
     Expect("", DONE, "e1:finalizer@0.64:0", trail=" ".join(["router"] * 64))),
    ("the 65th does not: dead letters, as it came", event("", trail=been(*["router"] * 64)), _a_visit("router"),
     Expect("", "internal.dlq.v1", "e1:dlq@0.64:0", trail=" ".join(["router"] * 64), reason="envelope.too_large")),
    ("a visit that is the end needs no room", event("OK", trail=been(*["router"] * 64)), _a_visit("finalizer"), None),
    ("the dead letters are the end", event("OK PENDING"), _a_visit("dlq"), None),
    ("the dead letters are the end of an undelivered reply too", event("OK", replies=(reply("r"),)), _a_visit("dlq"), None),
    ("an error of the dead letters is the end too", event("OK PENDING"), _a_visit("dlq", "x.y"), None),
    # Refused destinations
    ("a next step that cannot be reached ends in ERROR", event("PENDING PENDING"), _a_refusal(_a_turn(Next())),
     Expect("OK ERROR", DONE, "e1:finalizer@2.0:0", "FAILED")),
    ("replies that cannot be sent are settled, then completion", event(replies=(reply("a", delivered=True),)),
     _a_refusal(_a_turn(Handled(reply="b"))), Expect("OK", DONE, "e1:finalizer@1.0:0", "HANDLED", replies="a b!slip.unroutable")),
    ("egress that cannot be reached, nothing to say: completion", event(), _a_refusal(_a_turn(Handled())),
     Expect("OK", DONE, "e1:finalizer@1.0:0", "HANDLED")),
    ("a completion destination that cannot be reached: dead letters", event(), _a_refusal(_a_turn(Next())),
     Expect("OK", "internal.dlq.v1", "e1:dlq@1.0:0", reason="slip.unroutable")),
    ("egress and completion on one topic: what is no egress may be a completion", event(egress=DONE), _a_refusal(_a_turn(Handled())),
     Expect("OK", DONE, "e1:finalizer@1.0:0", "HANDLED")),
    ("egress and completion on one topic that can be neither: dead letters", event(egress=DONE),
     _a_refusal(_a_refusal(_a_turn(Handled()))), Expect("OK", "internal.dlq.v1", "e1:dlq@1.0:0", "HANDLED", reason="slip.unroutable")),
    ("an ingress topic that cannot be reached: dead letters", event("", replies=(reply("r"),)), _a_refusal(_a_visit("ingress")),
     Expect("", "internal.dlq.v1", "e1:dlq@0.1:0", trail="ingress", replies="r", reason="slip.unroutable")),
    ("the same with a step ahead, which did not fail", event("PENDING"), _a_refusal(_a_visit("ingress")),
     Expect("PENDING", "internal.dlq.v1", "e1:dlq@1.1:0", wrote={}, trail="ingress", reason="slip.unroutable")),
]  # fmt: skip


WHOSE = [
    ("a step is the slip's word", event("PENDING PENDING"), _a_turn(Next()), "step"),
    ("a retry is the slip's word", event(), _a_turn(Failed("x.y", retryable=True)), "step"),
    ("egress is the envelope's word", event(), _a_turn(Handled(reply="hi")), "egress"),
    ("completion is the envelope's word", event(), _a_turn(Next()), "completion"),
    ("a new slip is the law's word", event(), _a_turn(Reroute("why")), "platform"),
    ("ingress is the law's word", event(""), _a_visit("ingress"), "platform"),
    ("the dead letters are the law's word", event(completion=None), _a_turn(Next()), "platform"),
]


@pytest.mark.parametrize(("start", "turn", "whose"), [row[1:] for row in WHOSE], ids=[row[0] for row in WHOSE])
def test_a_dispatch_says_whose_word_its_topic_is(start: Envelope, turn: Callable[[Envelope], Dispatch | None], whose: str) -> None:
    """What a slip or an envelope names is checked before anything is sent there; what the law names is not."""
    dispatch = turn(start)

    assert dispatch is not None
    assert dispatch.to == whose


@pytest.mark.parametrize(("start", "turn", "expect"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_law(start: Envelope, turn: Callable[[Envelope], Dispatch | None], expect: Expect | None) -> None:
    """Each sentence of the tables: statuses, topic, wire id, and everything that was written or kept."""
    before, kept = copy.deepcopy(start), codec.encode(start)

    dispatch = turn(start)

    assert (start, codec.encode(start)) == (before, kept), "a turn changes nothing in place"
    assert (dispatch is None) == (expect is None)
    if dispatch is not None and expect is not None:
        assert _seen(start, dispatch, expect) == expect
        assert codec.decode(codec.encode(dispatch.envelope)) == dispatch.envelope, "what leaves can be read"


def _seen(start: Envelope, dispatch: Dispatch, expect: Expect) -> Expect:
    """What a turn left behind, in the words of the table."""
    after = dispatch.envelope
    return Expect(
        slip=" ".join(_shown(item) for item in after.routing_slip),
        topic=dispatch.topic,
        wire=dispatch.wire_id,
        status=after.status,
        wrote=_written(start, after) if start.current is not None else expect.wrote,
        trail=" ".join(visit.service for visit in after.trail),
        replies=" ".join(_spoken(item) for item in after.replies),
        notes=" ".join(str(item.label) for item in after.annotations),
        payload=after.payload,
        reason=dispatch.reason,
        not_before=dispatch.not_before,
    )


def _shown(item: Any) -> str:
    ran = item.started_at is not None or item.error is not None or item.status in ("PENDING", "OK")
    return item.status if ran or not item.notes else f"{item.status}:{item.notes.replace(' ', '-')}"


def _written(start: Envelope, after: Envelope) -> dict[str, Any]:
    wire = after.routing_slip[start.current or 0].to_wire()
    return {key: value for key, value in wire.items() if key not in ("id", "status", "destination")}


def _spoken(item: Any) -> str:
    failed = item.delivered is not None and item.delivered.error is not None
    return f"{item.text}!{item.delivered.error.code}" if failed else item.text


def test_what_is_carried_is_signed_with_the_step() -> None:
    """``by`` is the step's id, whatever the handler wrote there."""
    forged = [reply("q").but(by="root")]

    after = advance(event("OK PENDING"), Next(replies=["r", *forged], annotations=[note("n")]), now=NOW, retry_in=0).envelope

    assert [(item.kind, item.by) for item in after.replies] == [("chat", "s1"), ("chat", "s1")]
    assert [item.by for item in after.annotations] == ["s1"]


def test_handled_replies_are_signed_too() -> None:
    """The one reply of ``Handled`` is a chat message of the step."""
    after = advance(event(), Handled(reply="r"), now=NOW, retry_in=0).envelope

    assert after.replies[0].to_wire() == {"kind": "chat", "text": "r", "by": "s0"}


def test_without_a_start_a_turn_took_no_time() -> None:
    """``started_at`` defaults to ``now``, for a step and for a visit."""
    ended = advance(event(), Next(), now=NOW, retry_in=0).envelope.routing_slip[0]
    visit = forward(event(""), "auth", now=NOW)

    assert (ended.started_at, ended.ended_at) == (NOW, NOW)
    assert visit is not None
    assert visit.envelope.trail == (Visit(service="auth", started_at=NOW, ended_at=NOW),)


def test_a_visit_says_when_it_began_and_ended() -> None:
    """The trail entry has the role and both times."""
    visit = forward(event("", trail=been("ingress")), "auth", now=NOW, started_at=BEGAN)

    assert visit is not None
    assert visit.envelope.trail[1].to_wire() == {"service": "auth", **RAN}


def test_new_steps_are_on_the_wire_with_topic_and_status() -> None:
    """A named step says where it listens; one from the registry keeps its attributes and forgets its past."""
    after = advance(event(), Revise("fresh", step(7, "OK", attempt=2, attributes={"optional": "true"})), now=NOW, retry_in=0).envelope

    assert after.routing_slip[1].to_wire() == {"id": "fresh", "status": "PENDING", "destination": "internal.fresh.v1"}
    assert (after.routing_slip[2].status, after.routing_slip[2].attempt, after.routing_slip[2].optional) == ("PENDING", 0, True)


def test_an_unreachable_step_says_which_topic() -> None:
    """The refused step carries the code and names the topic; it took no time."""
    refused = _a_refusal(_a_turn(Next()))(event("PENDING PENDING"))

    assert refused is not None
    assert refused.envelope.routing_slip[1].to_wire() == {
        "id": "s1",
        "status": "ERROR",
        "destination": "internal.s1.v1",
        "startedAt": format_time(NOW),
        "endedAt": format_time(NOW),
        "error": {"code": "slip.unroutable", "message": "nothing is sent to internal.s1.v1", "retryable": False},
    }


def test_an_unreachable_egress_settles_the_reply() -> None:
    """A reply that cannot be sent says when and why; nobody tries again."""
    refused = _a_refusal(_a_turn(Handled(reply="r")))(event())

    assert refused is not None
    assert refused.envelope.replies[0].to_wire()["delivered"] == {
        "at": format_time(NOW),
        "error": {"code": "slip.unroutable", "message": f"nothing is sent to {EGRESS}"},
    }
    assert forward(refused.envelope, "finalizer", now=NOW) is None


def test_every_visit_is_a_hop_of_its_own() -> None:
    """Router, then a reroute, then the router again; finalizer, egress, finalizer again: no hop id comes twice."""
    routed = forward(event("PENDING PENDING"), "router", now=NOW)
    assert routed is not None
    again = advance(routed.envelope, Reroute("x"), now=NOW, retry_in=0)
    failed = advance(routed.envelope, Failed("x.y", replies=["sorry"]), now=NOW, retry_in=0)
    out = forward(failed.envelope, "finalizer", now=NOW)
    assert out is not None
    back = forward(out.envelope, "egress", now=NOW)
    assert back is not None

    wires = [slip.wire_id(slip.visit_hop_id(event("PENDING PENDING"), "router")), again.wire_id, failed.wire_id, out.wire_id, back.wire_id]

    assert len(set(wires)) == len(wires)


def test_the_same_step_twice_in_a_row_is_two_hops() -> None:
    """Hop ids count by index, so a step may stand on the slip twice."""
    twice = event("PENDING PENDING", {1: {"id": "s0", "destination": "internal.s0.v1"}})

    dispatch = advance(twice, Next(), now=NOW, retry_in=0)

    assert (dispatch.topic, dispatch.wire_id) == ("internal.s0.v1", "e1:1:0")
    assert slip.step_hop_id(twice, 0) != slip.step_hop_id(twice, 1)


def test_the_current_step_is_found_by_its_topic() -> None:
    """The first PENDING step, when the message came on its topic."""
    assert slip.locate(event("OK PENDING PENDING"), "internal.s1.v1") == 1


@pytest.mark.parametrize(
    ("start", "topic", "code", "says"),
    [
        (event("OK SKIP"), "internal.s0.v1", "slip.inconsistent", "no step on the slip is PENDING"),
        (
            event("PENDING", status="HANDLED"),
            "internal.s0.v1",
            "slip.inconsistent",
            "the envelope is HANDLED already, but step 0 is PENDING",
        ),
        (
            event("PENDING PENDING"),
            "internal.s1.v1",
            "slip.wrong_step",
            "step 0 (s0) is at internal.s0.v1, the message came on internal.s1.v1",
        ),
    ],
    ids=["nothing left to run", "handled before", "another step's topic"],
)
def test_a_message_on_the_wrong_topic_is_refused(start: Envelope, topic: str, code: str, says: str) -> None:
    """A step runs only when it is the current one."""
    with pytest.raises(SlipError) as refused:
        slip.locate(start, topic)

    assert (refused.value.code, refused.value.message) == (code, says)


@pytest.mark.parametrize("start", [event("OK"), event(""), event("PENDING", status="FAILED")], ids=["ended", "empty", "failed"])
def test_nothing_runs_after_the_end(start: Envelope) -> None:
    """A slip without a PENDING step, or an envelope that is through, cannot be advanced."""
    with pytest.raises(SlipError) as refused:
        advance(start, Next(), now=NOW, retry_in=0)

    assert refused.value.code == "slip.inconsistent"


def test_attempts_are_ten_at_most() -> None:
    """``maxAttempts`` counts up to ten."""
    assert [slip.attempts_allowed(step(0, maxAttempts=n)) for n in (1, 3, 10, 11, 1000)] == [1, 3, 10, 10, 10]


def test_a_replay_goes_onward_from_its_first_pending_step() -> None:
    """``onward`` decides nothing but the way: no trail entry, no status."""
    dispatch = slip.onward(event("OK PENDING", {1: {"attempt": 1}}))

    assert (dispatch.topic, dispatch.wire_id, dispatch.envelope) == ("internal.s1.v1", "e1:1:1", event("OK PENDING", {1: {"attempt": 1}}))
