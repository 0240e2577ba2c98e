"""What the process counts."""

from __future__ import annotations

from bitbrat.telemetry import names
from bitbrat.telemetry.metrics import Metrics


def test_in_flight_is_accepted_minus_finalised() -> None:
    """The conservation law: when everything accepted has its final record, nothing is in flight."""
    metrics = Metrics()
    metrics.accepted()
    metrics.accepted()
    metrics.finalised("handled", 0.1)

    assert metrics.value(names.EVENTS_IN_FLIGHT) == 1
    metrics.finalised("failed")
    assert metrics.value(names.EVENTS_IN_FLIGHT) == 0
    assert metrics.value(names.EVENTS_FINALISED, outcome="failed") == 1
    assert metrics.value(names.EVENT_DURATION) == 1


def test_two_processes_in_one_interpreter_count_apart() -> None:
    """Each Metrics has a registry of its own, so that tests and simulations do not see each other."""
    one, other = Metrics(), Metrics()

    one.conflict()

    assert (one.value(names.INBOX_CONFLICTS), other.value(names.INBOX_CONFLICTS)) == (1, 0)


def test_every_counter_is_found_in_the_text_with_underscores() -> None:
    """``/metrics`` is Prometheus text: dots are underscores and counters end in _total."""
    metrics = Metrics()
    metrics.attempt("quest")
    metrics.outcome("quest", "next", 0.25)
    metrics.blocked("quest")
    metrics.resent(3)
    metrics.final_duplicate()
    metrics.publish_duplicate()
    metrics.bad_input("http", "envelope.empty")
    metrics.security("slip.forbidden_destination")
    metrics.egress("twitch", "sent")
    metrics.connection("twitch", "bot", "online")
    metrics.outbox(4, 1.5)
    metrics.dead_letters("step.crashed", 2)

    text = metrics.render().decode()

    assert 'bitbrat_step_outcomes_total{outcome="next",step="quest"} 1.0' in text
    assert "bitbrat_relay_resent_total 3.0" in text
    assert 'bitbrat_badinput_total{code="envelope.empty",entry="http"} 1.0' in text
    assert 'bitbrat_connection_state{platform="twitch",slot="bot"} 3.0' in text
    assert 'messaging_process_duration_count{step="quest"} 1.0' in text
    assert "_created" not in text


def test_label_values_cannot_grow_without_end() -> None:
    """A value that a user could choose fills its metric up to the limit; the rest is counted as ``other``."""
    metrics = Metrics(max_series=3)

    for number in range(10):
        metrics.bad_input("http", f"made.up{number}")

    assert metrics.value(names.BAD_INPUT, entry="other", code="other") == 7
    assert metrics.render().count(b"bitbrat_badinput_total{") == 4


def test_a_state_nobody_listed_is_minus_one() -> None:
    """An unknown state is visible as such and does not look like a good one."""
    metrics = Metrics()

    metrics.connection("twitch", "bot", "dancing")

    assert metrics.value(names.CONNECTION_STATE, platform="twitch", slot="bot") == -1


def test_a_service_counts_under_our_names_and_under_names_of_its_own() -> None:
    """What we have declared keeps its labels; what only the service knows is made when it first counts."""
    metrics = Metrics()

    metrics.count(names.EGRESS_SENT, {"result": "sent", "platform": "twitch"})
    metrics.count("shop.sold", {"kind": "mug"})
    metrics.count("shop.sold", {"kind": "mug"})
    metrics.gauge(names.CONNECTION_STATE, 3, {"platform": "twitch", "slot": "bot"})
    metrics.gauge("shop.open", 1, {})

    assert metrics.value(names.EGRESS_SENT, platform="twitch", result="sent") == 1
    assert metrics.value("shop.sold", kind="mug") == 2
    assert metrics.value(names.CONNECTION_STATE, platform="twitch", slot="bot") == 3
    assert metrics.value("shop.open") == 1
