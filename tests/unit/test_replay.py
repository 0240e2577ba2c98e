"""A replay is a new envelope on the old way: what is cleared, what is kept, where it starts."""

import copy
from typing import Any

import pytest

from bitbrat import codec
from bitbrat.envelope import Annotation, Envelope, format_time
from bitbrat.outcome import Dispatch, Failed, Handled
from bitbrat.replay import replay
from bitbrat.slip import advance
from bitbrat.world import named_id
from tests.unit.law import BEGAN, NOW, been, event, note, reply

RAN = {"startedAt": format_time(BEGAN), "endedAt": format_time(NOW)}
NEW = named_id("replay:e1:1")


def _failed(**fields: Any) -> Envelope:
    """Three steps: the first went well, the second failed on its last attempt, the third was not run."""
    at = {0: RAN, 1: {"attempt": 2, "attributes": {"notBefore": "2026-01-31T11:00:00Z", "optional": "true"}, "notes": "n"}}
    start = event("OK PENDING PENDING", at, deadline=NOW, trail=been("ingress", "auth", "router"), **fields)
    return advance(start, Failed("x.y", "no luck"), now=NOW, retry_in=0, started_at=BEGAN).envelope


def _slip(dispatch: Dispatch) -> list[dict[str, Any]]:
    return [{key: value for key, value in step.to_wire().items() if key != "destination"} for step in dispatch.envelope.routing_slip]


def test_a_replay_resumes_at_the_step_that_failed() -> None:
    """Earlier good steps stay; the failed one and those not run are new again, with their settings."""
    dispatch = replay(_failed(), number=1, mode="resume")

    assert (dispatch.topic, dispatch.wire_id) == ("internal.s1.v1", f"{NEW}:1:0")
    assert _slip(dispatch) == [
        {"id": "s0", "status": "OK", **RAN},
        {"id": "s1", "status": "PENDING", "attributes": {"optional": "true"}},
        {"id": "s2", "status": "PENDING"},
    ]


def test_a_replay_restarts_at_the_first_step() -> None:
    """Every step is new again; the slip stays."""
    dispatch = replay(_failed(), number=1, mode="restart")

    assert (dispatch.topic, dispatch.wire_id) == ("internal.s0.v1", f"{NEW}:0:0")
    assert [step["status"] for step in _slip(dispatch)] == ["PENDING"] * 3
    assert "startedAt" not in _slip(dispatch)[0]


def test_a_replay_reroutes_with_an_empty_slip() -> None:
    """The router decides anew, as for an event that auth has just passed."""
    dispatch = replay(_failed(annotations=(note("n"),)), number=1, mode="reroute")

    assert (dispatch.topic, dispatch.wire_id) == ("internal.authenticated.v1", f"{NEW}:router@0.0:0")
    assert dispatch.envelope.to_wire()["routingSlip"] == []
    assert "annotations" not in dispatch.envelope.to_wire()


@pytest.mark.parametrize("mode", ["resume", "restart", "reroute"])
def test_a_replay_is_a_new_envelope_of_the_same_correlation(mode: Any) -> None:
    """New id, old id under ``replayOf``; what is over is gone from the wire, not null; the rest is kept, unknown fields too."""
    old = codec.decode(codec.encode(_failed(tenant_id="t", simulated=True, future={"x": 1})))
    before = copy.deepcopy(old)

    wire = replay(old, number=1, mode=mode).envelope.to_wire()

    assert (wire["id"], wire["replayOf"], wire["correlationId"]) == (NEW, "e1", "c1")
    assert not {"status", "deadline", "trail", "replies", "annotations"} & set(wire)
    assert {key: wire[key] for key in ("tenantId", "simulated", "future", "payload", "user", "traceId")} == {
        "tenantId": "t", "simulated": True, "future": {"x": 1}, "payload": {"text": "hi"}, "user": old.user.to_wire(), "traceId": "t1",
    }  # fmt: skip
    assert old == before


def test_the_number_makes_the_id() -> None:
    """Two operators with the same number make the same replay; the next number makes another."""
    ids = [replay(_failed(), number=number, mode="resume").envelope.id for number in (1, 1, 2)]

    assert ids[0] == ids[1] != ids[2]


def test_a_replay_of_a_replay_names_the_replay() -> None:
    """``replayOf`` is the envelope that was replayed, not the first of all."""
    first = replay(_failed(), number=1, mode="resume").envelope

    second = replay(first.but(status="FAILED"), number=1, mode="restart").envelope

    assert (second.replay_of, second.id) == (NEW, named_id(f"replay:{NEW}:1"))


def test_what_was_said_is_not_said_again() -> None:
    """Delivered replies stay as a record; what nobody delivered is dropped, for the steps will say it anew."""
    old = _failed(replies=(reply("a", delivered=True), reply("b")))

    after = replay(old, number=1, mode="resume").envelope

    assert [item.text for item in after.replies] == ["a"]


def test_annotations_of_steps_that_run_again_are_dropped() -> None:
    """What the router and the good steps found stays true."""
    found = tuple(Annotation(kind="k", by=by) for by in ("router", "s0", "s1"))

    resumed = replay(_failed(annotations=found), number=1, mode="resume").envelope
    restarted = replay(_failed(annotations=found), number=1, mode="restart").envelope

    assert [item.by for item in resumed.annotations] == ["router", "s0"]
    assert [item.by for item in restarted.annotations] == ["router"]


@pytest.mark.parametrize(
    ("old", "mode"),
    [
        (advance(event("PENDING PENDING"), Handled(), now=NOW, retry_in=0).envelope, "resume"),
        (event("OK SKIP"), "resume"),
        (event(""), "resume"),
        (event(""), "restart"),
    ],
    ids=["handled", "all went well", "no slip", "no slip to restart"],
)
def test_without_a_step_to_run_again_the_router_decides(old: Envelope, mode: Any) -> None:
    """There is nothing to resume, so the event gets a new slip."""
    assert replay(old, number=1, mode=mode).topic == "internal.authenticated.v1"


def test_a_step_that_was_interrupted_is_resumed() -> None:
    """An envelope from the dead letters may stand before a step that killed its process each time."""
    dispatch = replay(event("OK PENDING", {1: {"attempt": 2}}), number=1, mode="resume")

    assert (dispatch.topic, dispatch.wire_id) == ("internal.s1.v1", f"{NEW}:1:0")


def test_a_restart_counts_reroutes_from_zero() -> None:
    """The mark of a reroute belongs to the old run."""
    old = event("OK SKIP", {0: {"attributes": {"reroute": "why"}}})

    assert "attributes" not in _slip(replay(old, number=1, mode="restart"))[0]


@pytest.mark.parametrize("mode", ["resume", "restart", "reroute"])
def test_a_replay_can_be_read(mode: Any) -> None:
    """What leaves is an envelope that every service accepts."""
    envelope = replay(_failed(), number=1, mode=mode).envelope

    assert codec.decode(codec.encode(envelope)) == envelope
