"""The story of an envelope: what is said, the waterfall, and what is still awaited."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.envelope import Annotation, Delivered, Envelope, Reply, RoutingStep, StepError, Visit
from bitbrat.records import dead_letter, final_record, unreadable
from bitbrat.story import story_of, story_of_record
from bitbrat.testing import an_envelope

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def at(milliseconds: float) -> datetime:
    """A moment after noon."""
    return NOON + timedelta(milliseconds=milliseconds)


def visit(service: str, start: float, took: float) -> Visit:
    """A visit that began ``start`` ms after noon."""
    return Visit(service=service, started_at=at(start), ended_at=at(start + took))


def quest(**changes) -> Envelope:
    """A message whose quest failed three times, so that announce was not run."""
    failed = RoutingStep(
        id="quest",
        status="ERROR",
        destination="internal.quest.v1",
        attempt=2,
        attributes={"rule": "quest-command"},
        started_at=at(604.8),
        ended_at=at(608.8),
        error=StepError(code="step.crashed", message="KeyError: 'target'  steps/quest.py:31", retryable=True),
    )
    skipped = RoutingStep(id="announce", status="SKIP", destination="internal.announce.v1", notes="not run")
    why = 'command=="!quest" ✓ role>=viewer ✓'
    note = Annotation(kind="route", label="quest-command", by="router", data={"version": "v3", "why": why, "explain": {"op": "and"}})
    values = {
        "id": "0198c1aa-7000",
        "text": "!quest",
        "timestamp": NOON,
        "status": "FAILED",
        "slip": [failed, skipped],
        "annotations": (note,),
        "trail": (visit("ingress", 0, 1), visit("auth", 1.2, 2), visit("router", 3.4, 1)),
    }
    return an_envelope(**(values | changes))


def test_a_failure_is_told_in_a_sentence():
    """Who wrote what, which rule, what failed how often, and what became of it."""
    told = story_of_record(final_record(quest(), at=at(612)))

    assert told.headline.endswith("twitch/my_channel  @an_admin_user (moderator)  FAILED at step 1 of 2")
    assert told.sentence == ('An Admin User wrote "!quest". Rule quest-command matched. quest failed 3 times. Recorded as a failure.')
    assert told.next == ("bitbrat dlq replay 0198c1aa-7000", "bitbrat explain step.crashed")
    assert told.incomplete == ""


def test_the_waterfall_has_visits_and_steps_by_the_time_they_began():
    """Offsets and durations in milliseconds; what never began has none, and stands at the end."""
    record = final_record(quest(), at=at(612))
    rows = [(row.offset_ms, row.name, row.status, row.duration_ms) for row in story_of_record(record).rows]

    assert rows == [
        (0.0, "ingress", "ok", 1.0),
        (1.2, "auth", "ok", 2.0),
        (3.4, "router", "ok", 1.0),
        (604.8, "quest", "ERROR", 4.0),
        (None, "announce", "SKIP", None),
        (612.0, "finalizer", "ok", None),
    ]


def test_the_rows_say_what_each_did():
    """The role, the rule with its version and why, the attempts with the error, the group."""
    record = final_record(quest(), at=at(612))
    notes = {row.name: row.note for row in story_of_record(record).rows}

    assert notes["auth"] == "role moderator"
    assert notes["router"] == 'rule quest-command v3: command=="!quest" ✓ role>=viewer ✓'
    assert notes["quest"] == "attempts 3   step.crashed KeyError: 'target'  steps/quest.py:31"
    assert (notes["announce"], notes["finalizer"]) == ("not run", f"failure recorded, group {record.fingerprint}")


def test_the_json_holds_the_final_slip_and_the_explanation():
    """``bitbrat trace ID --json`` contains the final routing slip."""
    found = json.loads(json.dumps(story_of_record(final_record(quest(), at=at(612))).to_json()))

    assert [step["status"] for step in found["routingSlip"]] == ["ERROR", "SKIP"]
    assert found["why"][0]["explain"] == {"op": "and"}
    assert (found["record"]["outcome"], found["record"]["code"]) == ("failed", "step.crashed")


def test_a_handled_message_is_told_with_its_reply():
    """The reply and what became of it."""
    reply = Reply(kind="chat", text="hi", by="greeter", delivered=Delivered(at=NOON, provider_id="m"))
    lost = Reply(kind="chat", text="ho", by="greeter", delivered=Delivered(at=NOON, error=StepError(code="egress.not_sent")))
    step = RoutingStep(id="greeter", status="OK", destination="internal.greeter.v1", started_at=NOON, ended_at=NOON)
    envelope = an_envelope(text="!hello", timestamp=NOON, slip=[step], status="HANDLED", replies=(reply, lost), simulated=True)
    told = story_of_record(final_record(envelope, at=NOON))

    assert told.sentence == (
        'An Admin User wrote "!hello" (simulated). greeter worked. The reply "hi" was sent. '
        'The reply "ho" failed: egress.not_sent. Handled.'
    )


def test_each_visit_of_the_router_tells_its_own_decision():
    """After a reroute the second decision stands at the second visit."""
    notes = tuple(Annotation(kind="route", label=rule, by="router", data={"version": "v", "why": rule}) for rule in ("one", None))
    envelope = quest(annotations=notes, trail=(visit("router", 1, 1), visit("router", 5, 1)))
    rows = [row.note for row in story_of_record(final_record(envelope, at=at(612))).rows if row.name == "router"]

    assert rows == ["rule one v: one", "no rule matched"]


@pytest.mark.parametrize(
    ("changes", "whom"),
    [
        ({"slip": ["greeter", "llm"]}, "step greeter"),
        ({"slip": []}, "the finalizer"),
    ],
)
def test_what_is_on_its_way_says_what_it_waits_for(changes, whom):
    """An incomplete trace does not look like a broken one."""
    told = story_of(an_envelope(**changes))

    assert told.incomplete == f"incomplete, waiting for {whom}"
    assert told.sentence.endswith("It is still on its way.")


def test_a_pending_reply_is_incomplete_too():
    """The failure is recorded, its apology is not said yet."""
    told = story_of_record(final_record(quest(), at=at(612), pending=True))

    assert (told.incomplete, told.rows[-1].note) == ("incomplete, waiting for egress", "waiting for egress")


def test_bytes_that_nobody_can_read_have_a_short_story():
    """What, from where, why, and how to look at them."""
    record = unreadable(b"{\n", at=NOON, reason="envelope.not_json", message="EOF", source_topic="internal.quest.v1", group="quest")
    told = story_of_record(record)

    assert told.sentence == "2 bytes that are no envelope came on internal.quest.v1. envelope.not_json: EOF."
    assert (told.to_json()["routingSlip"], told.next[1]) == ([], "bitbrat explain envelope.not_json")


def test_a_dead_letter_ends_at_the_dead_letters():
    """Its last row is the handler that kept it."""
    envelope = an_envelope(text="hi", timestamp=NOON)
    record = dead_letter(envelope, b"", at=at(5), reason="slip.no_completion", source_topic="internal.complete.v1", group="router")
    told = story_of(envelope, record=record)

    assert told.rows[-1].name == "dlq"
    assert told.headline.endswith("DEAD-LETTERED slip.no_completion")


@given(st.text(max_size=300), st.sampled_from(["PENDING", "OK", "ERROR", "SKIP"]), st.booleans())
@settings(max_examples=100, deadline=None)
def test_every_envelope_has_a_story(text, status, ended):
    """Whatever is on it, the story can be told and written as JSON."""
    envelope = an_envelope(text="x").but(
        payload={"text": text}, routing_slip=(RoutingStep(id="s", status=status, destination="internal.s.v1"),)
    )
    told = story_of_record(final_record(envelope, at=NOON)) if ended else story_of(envelope)

    assert json.loads(json.dumps(told.to_json()))["id"] == envelope.id
