"""The checker: what was accepted, compared with what happened. Run when everything has become quiet."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bitbrat.codec import decode
from bitbrat.envelope import Envelope
from bitbrat.errors import BitBratError
from bitbrat.hop.sender import raw_id
from bitbrat.hop.work import CRASH_ALLOWANCE
from bitbrat.sim.steps import EFFECTS, KINDS, TRANSACTED
from bitbrat.slip import step_hop_id
from bitbrat.store import FinalRecord
from bitbrat.world import named_id

if TYPE_CHECKING:
    from bitbrat.sim.scenario import Scenario


def check(scenario: Scenario) -> None:
    """Every invariant of the design page that can be seen from here."""
    _nothing_left(scenario)
    expected = dict.fromkeys(scenario.accepted)
    for envelope_id in list(expected):
        _accepted(scenario, envelope_id)
    for envelope_id, count in scenario.database.tables.ends.items():
        scenario.world.always(count == 1, "FINAL_TWICE", f"{envelope_id} has {count} final records")
    for data in scenario.letters.values():
        _dead_letter(scenario, data)
    _runs(scenario)
    _outside(scenario)


def _nothing_left(scenario: Scenario) -> None:
    always = scenario.world.always
    for entry in scenario.broker.unsettled():
        always(False, "STUCK", f"{entry.letter.id} on {entry.letter.topic} is {entry.state} after {entry.deliveries} deliveries")
    for row in scenario.database.tables.unsent_now():
        always(False, "OUTBOX_UNSENT", f"{row.wire_id} to {row.topic}")


def _accepted(scenario: Scenario, envelope_id: str) -> None:
    record = scenario.database.tables.ended(envelope_id)
    if record is None:
        scenario.world.always(False, "LOST", f"{envelope_id} was accepted and has no final record")
        return
    scenario.world.always(record.outcome != "pending_reply", "LOST", f"{envelope_id} waits for its replies for ever")
    try:
        envelope = decode(record.data)
    except BitBratError as error:
        scenario.world.always(False, "DLQ_LOSSY", f"{envelope_id} ended as bytes that cannot be read: {error}")
        return
    _ended(scenario, record, envelope)


def _ended(scenario: Scenario, record: FinalRecord, envelope: Envelope) -> None:
    always = scenario.world.always
    if record.outcome == "completed":
        always(envelope.current is None, "SKIPPED_STEP", f"{envelope.id} completed with a pending step")
    closed = False
    for index, step in enumerate(envelope.routing_slip):
        hop = step_hop_id(envelope, index)
        if step.id in KINDS:
            _step(scenario, envelope, index, hop, closed=closed)
        handled = step.status == "OK" and step.id in KINDS and step.id != "turn" and act_of_step(envelope, index) == "handled"
        closed = closed or handled
    _replies(scenario, envelope)
    _guard(scenario, envelope)
    _attempts(scenario, envelope)


def _step(scenario: Scenario, envelope: Envelope, index: int, hop: str, *, closed: bool) -> None:
    always, step = scenario.world.always, envelope.routing_slip[index]
    starts = [one for one in scenario.book.starts if one.hop == hop]
    if closed or (step.status == "SKIP" and step.started_at is None):
        always(not starts, "RAN_AFTER_HANDLED", f"{hop} ({step.id}) ran behind the end of its slip")
    always(not closed or step.status == "SKIP" or not starts, "SLIP", f"{hop} is {step.status} behind the end of its slip")
    if step.id in TRANSACTED:
        count = scenario.database.tables.puts[EFFECTS, hop]
        always(count <= 1, "EFFECT_TWICE", f"{hop} ({step.id}) took effect {count} times")
        took = step.status in ("OK", "SKIP") and step.started_at is not None and step.notes != "deadline"
        always(not took or count > 0, "OK_WITHOUT_EFFECT", f"{hop} ({step.id}) is {step.status} without its effect")
        always(took or not count, "EFFECT_BUT_NOT_OK", f"{hop} ({step.id}) is {step.status} with its effect")
    if step.status == "OK" and step.id in ("idem", "once"):
        always(scenario.outside.calls[hop] > 0, "OK_WITHOUT_EFFECT", f"{hop} ({step.id}) is OK without its call")
    if step.status == "OK" and step.id != "turn" and act_of_step(envelope, index) == "emit":
        emitted = named_id(f"emit:{hop}:0")
        always(scenario.database.tables.ended(emitted) is not None, "LOST", f"{emitted}, emitted by {hop}, has no final record")


def act_of_step(envelope: Envelope, index: int) -> str:
    """What the plan said about the step at ``index``."""
    return str((envelope.payload.get("acts") or {}).get(str(index), "ok"))


def _guard(scenario: Scenario, envelope: Envelope) -> None:
    """Only what was cut off again and again is given up as a crash loop."""
    for index, step in enumerate(envelope.routing_slip):
        if step.error is None or step.error.code != "step.crash_loop":
            continue
        hop = step_hop_id(envelope, index)
        cut = sum(one.hop == hop for one in scenario.book.starts) - scenario.book.returned[hop]
        scenario.world.always(cut >= CRASH_ALLOWANCE, "GUARD_WITHOUT_CRASHES", f"{hop} ({step.id}) was given up after {cut} crashes")


def _attempts(scenario: Scenario, envelope: Envelope) -> None:
    """An attempt is used up by a failure of the handler, or of what came after it, and by nothing else."""
    for index, step in enumerate(envelope.routing_slip):
        hop = step_hop_id(envelope, index)
        if step.id not in KINDS:
            continue
        for attempt in range(step.attempt):
            failed = (hop, attempt) in scenario.book.failed
            scenario.world.always(failed, "ATTEMPT_WITHOUT_FAILURE", f"{hop}: attempt {attempt} was used up, and its handler did not fail")


def _replies(scenario: Scenario, envelope: Envelope) -> None:
    always = scenario.world.always
    for number, reply in enumerate(envelope.replies):
        # Nobody speaks after the deadline. A finalizer whose clock jumps gives up waiting too soon, and its record says so.
        excused = envelope.deadline is not None or scenario.jumped
        always(reply.delivered is not None or excused, "LOST", f"reply {number} of {envelope.id} was never settled")
        settled = reply.delivered is not None and reply.delivered.error is None
        said = scenario.outside.said[f"{envelope.id}#{number}"]
        always(not settled or said > 0, "OK_WITHOUT_EFFECT", f"reply {number} of {envelope.id} was not said")


def _dead_letter(scenario: Scenario, data: bytes) -> None:
    record = scenario.database.tables.ended(raw_id(data))
    if record is None:
        scenario.world.always(False, "LOST", f"unreadable bytes {data[:20]!r} have no dead letter")
        return
    whole = record.data == data and bool(record.code) and bool(record.source_topic)
    scenario.world.always(whole, "DLQ_LOSSY", f"the dead letter {record.id} lacks its bytes, its reason or its topic")


def _runs(scenario: Scenario) -> None:
    """A handler starts once for each attempt, and once more for each interruption."""
    starts = Counter((one.hop, one.attempt) for one in scenario.book.starts)
    kinds = {one.hop: one.step for one in scenario.book.starts}
    for (hop, attempt), count in starts.items():
        if KINDS[kinds[hop]] == "none":
            continue
        allowed = 1 + scenario.interruptions(hop, attempt)
        scenario.world.always(count <= allowed, "TOO_MANY_RUNS", f"{hop} attempt {attempt} started {count} times, {allowed} are explained")


def _outside(scenario: Scenario) -> None:
    always = scenario.world.always
    for hop, keys in scenario.outside.keys.items():
        always(keys == {hop}, "EXTERNAL_TWICE", f"{hop} was called with {len(keys)} idempotency keys")
    for hop in dict.fromkeys(one.hop for one in scenario.book.starts if one.step == "once"):
        count = scenario.outside.calls[hop]
        always(count <= 1, "EXTERNAL_TWICE", f"{hop} was called {count} times, and it is at_most_once")
    for key, count in scenario.outside.said.items():
        always(count == 1, "EXTERNAL_TWICE", f"reply {key} was said {count} times")
