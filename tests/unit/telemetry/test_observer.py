"""What a hop reports is counted and written."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

from bitbrat.envelope import Envelope
from bitbrat.telemetry import names
from bitbrat.telemetry.logging import Logs
from bitbrat.telemetry.metrics import Metrics
from bitbrat.telemetry.observer import Telemetry


@dataclass(frozen=True)
class End:
    """A hop's end as the hop makes it."""

    envelope: Envelope
    group: str = "quest"
    step: str = "quest"
    index: int | None = 0
    attempt: int = 1
    deliveries: int = 2
    outcome: str = "failed"
    code: str = "step.crashed"
    message: str = "KeyError: 'target'\n"
    seconds: float = 0.004


def an_envelope() -> Envelope:
    """A small chat message."""
    return Envelope.model_validate(
        {
            "v": "1",
            "id": "e1",
            "correlationId": "c1",
            "traceId": "t1",
            "timestamp": "2026-01-31T12:00:00Z",
            "type": "external.chat.message.v1",
            "source": {"platform": "twitch", "channel": "a"},
            "user": {},
            "routingSlip": [],
            "payload": {},
        }
    )


def test_a_failed_hop_is_one_warning_line_and_two_counts() -> None:
    """Code, attempt and delivery stand in the line; the sentence, which may quote a user, in a field of its own, escaped."""
    stream, metrics = io.StringIO(), Metrics()

    Telemetry(metrics, Logs(stream=stream)).ended(End(an_envelope()))

    line = json.loads(stream.getvalue())
    assert (line["msg"], line["code"], line["attempt"], line["delivery"]) == ("hop", "step.crashed", 1, 2)
    assert line["detail"] == "KeyError: 'target'\\n"
    assert metrics.value(names.STEP_OUTCOMES, step="quest", outcome="failed") == 1


def test_refused_bytes_are_counted_by_code() -> None:
    """``bitbrat.badinput{entry,code}`` is the count of what went to the dead letters unread."""
    metrics = Metrics()

    Telemetry(metrics, Logs(stream=io.StringIO())).refused("internal.quest.v1", "envelope.not_json", "no")

    assert metrics.value(names.BAD_INPUT, entry="bus", code="envelope.not_json") == 1


def test_every_report_is_counted_where_the_contract_says() -> None:
    """One report, one count."""
    metrics = Metrics()
    observer = Telemetry(metrics, Logs(stream=io.StringIO(), level="debug"))

    observer.accepted(an_envelope())
    observer.repeated("quest")
    observer.duplicate("internal.quest.v1")
    observer.forbidden("internal.quest.v1", "slip.forbidden_destination", "e1")
    observer.resent(2)
    observer.final_duplicate("e1")
    observer.trouble("relay", OSError("gone"))
    observer.finalised("completed", 0.2)

    assert metrics.value(names.EVENTS_ACCEPTED) == 1
    assert metrics.value(names.INBOX_CONFLICTS) == 1
    assert metrics.value(names.PUBLISH_DUPLICATES) == 1
    assert metrics.value(names.SECURITY_EVENTS, kind="slip.forbidden_destination") == 1
    assert metrics.value(names.RELAY_RESENT) == 2
    assert metrics.value(names.FINALIZER_DUPLICATES) == 1
    assert metrics.value(names.EVENTS_IN_FLIGHT) == 0
