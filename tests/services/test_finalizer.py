"""The finalizer: one record each, replies that are still open, and the sweeper."""

from datetime import timedelta

import pytest

from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.codec import decode
from bitbrat.envelope import Annotation, Delivered, Envelope, Reply, RoutingStep, StepError, Visit
from bitbrat.store import FinalRecord
from bitbrat.testing import Sent, an_envelope, deliver
from bitbrat.world import named_id
from services.finalizer import service
from services.finalizer.sweeper import sweep_once
from tests.services.clock import NOON, SetWorld


@pytest.fixture
def world() -> SetWorld:
    """A clock that the test moves."""
    return SetWorld()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path, world):
    """Each store in turn."""
    made = MemoryStore(world) if request.param == "memory" else SqliteStore(tmp_path / "final.db", world)
    await made.open()
    yield made
    await made.close()


def ended(step_status: str = "OK", **changes) -> Envelope:
    """An envelope that a step took a second over, ten seconds after noon."""
    step = RoutingStep(
        id="quest",
        status=step_status,
        destination="internal.quest.v1",
        attempt=1,
        attributes={"rule": "quest"},
        started_at=NOON + timedelta(seconds=10),
        ended_at=NOON + timedelta(seconds=11),
    )
    if step_status == "ERROR":
        step = step.but(error=StepError(code="step.crashed", message="KeyError: 'target 17'"))
        changes.setdefault("status", "FAILED")
    trail = (Visit(service="ingress", started_at=NOON, ended_at=NOON + timedelta(milliseconds=1.5)),)
    return an_envelope(**{"id": "e1", "timestamp": NOON, "slip": [step], "trail": trail, **changes})


async def conclude(store, world, envelope: Envelope) -> Sent | None:
    """What the finalizer sent, or None at the end of the way."""
    try:
        return await deliver(service, envelope, store=store, world=world)
    except AssertionError as error:
        if "this was the end" not in str(error):
            raise
        return None


async def final(store, envelope_id: str = "e1") -> FinalRecord:
    """The record of an envelope, which must be there."""
    record = await store.final(envelope_id)
    assert record is not None
    return record


@pytest.mark.parametrize(("status", "outcome"), [(None, "completed"), ("HANDLED", "handled"), ("FAILED", "failed")])
async def test_the_outcome_is_the_envelopes_status(store, world, status, outcome):
    """No status is a plain completion."""
    envelope = ended("ERROR") if status == "FAILED" else ended(**({"status": status} if status else {}))
    sent = await conclude(store, world, envelope)

    assert sent is None
    assert (await final(store)).outcome == outcome


async def test_times_are_milliseconds_after_the_event_was_received(store, world):
    """Visits and steps have their beginning and their length."""
    world.later(12)
    await conclude(store, world, ended())

    detail = (await final(store)).detail
    assert (detail["totalMs"], detail["visits"]) == (12_000, [{"service": "ingress", "atMs": 0.0, "ms": 1.5}])
    assert detail["steps"] == [{"id": "quest", "status": "OK", "attempts": 2, "atMs": 10_000, "ms": 1_000}]


async def test_a_failure_names_its_step_code_and_message(store, world):
    """And the same message with other numbers has the same fingerprint."""
    await conclude(store, world, ended("ERROR"))

    record = await final(store)
    assert (record.code, record.fingerprint[:2]) == ("step.crashed", "F-")
    assert record.detail["failure"] == {
        "step": "quest",
        "index": 0,
        "code": "step.crashed",
        "message": "KeyError: 'target 17'",
        "normalised": "KeyError: 'target <n>'",
    }


async def test_the_rule_is_known_from_the_routers_note_or_from_the_step(store, world):
    """A replay that lost the note still knows its rule."""
    note = Annotation(kind="route", label="quest", by="router", data={"version": "v1", "ruleset": "r1", "why": "because"})
    await conclude(store, world, ended(annotations=(note,)))
    await conclude(store, world, ended(id="e2"))

    assert (await final(store)).detail["rule"] == {"rule": "quest", "version": "v1", "ruleset": "r1", "why": "because"}
    assert (await final(store, "e2")).detail["rule"]["rule"] == "quest"


async def test_a_second_arrival_is_counted(store, world):
    """One record for each id, the first one; the others are counted."""
    await conclude(store, world, ended())
    await conclude(store, world, ended(payload={"text": "other"}, trail=()))

    record = await final(store)
    assert (record.surplus, record.detail["text"]) == (1, "Hello World!")


async def test_undelivered_replies_go_through_egress_first(store, world):
    """An apology for a failure is said; until it is, the record is pending; then it ends with what became of it."""
    apology = Reply(kind="chat", text="sorry", by="quest")
    sent = await conclude(store, world, ended("ERROR", replies=(apology,)))
    pending = await final(store)
    assert sent is not None
    told = apology.but(delivered=Delivered(at=NOON, error=StepError(code="egress.not_sent", message="slow mode")))
    back = sent.envelope.but(replies=(told,), trail=(*sent.envelope.trail, Visit(service="egress", started_at=NOON, ended_at=NOON)))
    last = await conclude(store, world, back)

    record = await final(store)
    assert (sent.topic, pending.outcome, last) == ("internal.egress.v1", "pending_reply", None)
    assert (record.outcome, record.surplus, record.detail["replies"][0]["state"]) == ("failed", 0, "failed")
    assert await store.find("pending_replies") == []
    assert record.detail["replies"][0]["code"] == "egress.not_sent"


@pytest.mark.parametrize(
    ("changes", "state"),
    [({"simulated": True}, "simulated"), ({"deadline": NOON - timedelta(seconds=1)}, "undelivered")],
    ids=["simulated", "too late"],
)
async def test_replies_that_may_not_be_said_stay_unsaid(store, world, changes, state):
    """A simulated or late envelope ends at once, and the record says what became of its reply."""
    sent = await conclude(store, world, ended(replies=(Reply(kind="chat", text="hi", by="quest"),), **changes))

    assert sent is None
    assert (await final(store)).detail["replies"][0]["state"] == state


async def test_long_texts_are_cut_and_the_envelope_is_kept_whole(store, world):
    """The summary has 512 characters, the record's data all of them."""
    await conclude(store, world, ended(text="x" * 2000))

    record = await final(store)
    assert (len(record.detail["text"]), len(decode(record.data).payload["text"])) == (512, 2000)


async def test_a_reply_that_never_came_back_is_closed_after_an_hour(store, world):
    """Nothing is pending for ever."""
    await conclude(store, world, ended("ERROR", replies=(Reply(kind="chat", text="sorry", by="quest"),)))
    world.later(3599)
    early = await sweep_once(store, now=world.now(), patience=3600)
    world.later(1)
    late = await sweep_once(store, now=world.now(), patience=3600)

    record = await final(store)
    assert (early, late, record.outcome, record.code) == (0, 1, "failed", "step.crashed")
    assert record.detail["replies"][0]["state"] == "unknown"


@pytest.mark.parametrize(("status", "state"), [("OK", "replayed"), ("ERROR", "open")])
async def test_a_replay_that_ended_settles_its_original(store, world, status, state):
    """It leaves the failures only when its replay ended well."""
    await conclude(store, world, ended("ERROR"))
    await store.put("replaying", "e1", {"at": "2026-01-31T12:00:00Z"})
    number = await store.next_replay("e1")
    await conclude(store, world, ended(status, id=named_id(f"replay:e1:{number}"), replay_of="e1"))
    await sweep_once(store, now=world.now(), patience=3600)

    assert (await final(store)).state == state
    assert await store.find("replaying") == []


async def test_a_replay_that_never_ended_opens_its_original_again(store, world):
    """Whoever replayed it died on the way: after an hour somebody else may."""
    await conclude(store, world, ended("ERROR"))
    world.later(3000)
    await store.put("replaying", "e1", {"at": "2026-01-31T12:50:00Z"})
    await store.next_replay("e1")
    world.later(3599)
    await sweep_once(store, now=world.now(), patience=3600)
    waiting = (await final(store)).state
    world.later(1)
    await sweep_once(store, now=world.now(), patience=3600)

    assert (waiting, (await final(store)).state) == ("replaying", "open")
