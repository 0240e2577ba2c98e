"""The envelope's values: frozen, camelCase on the wire, absent where nothing was said, and times in one spelling."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from bitbrat.envelope import Envelope, format_time, parse_time
from tests.unit.contract_example import full
from tests.unit.envelopes import envelopes, times
from tests.unit.law import NOW, event, reply, step


def test_values_are_frozen() -> None:
    """A field cannot be set; a change makes a copy."""
    with pytest.raises(ValidationError, match="frozen"):
        event().id = "other"


def test_but_changes_one_copy_and_shares_the_rest() -> None:
    """The original stays as it was; nothing below is copied."""
    before = event("PENDING", future=[1])

    after = before.but(id="e2", tenant_id="t")

    assert (before.id, before.tenant_id, after.id, after.tenant_id) == ("e1", None, "e2", "t")
    assert after.payload is before.payload
    assert after.routing_slip is before.routing_slip
    assert after.to_wire() == {**before.to_wire(), "id": "e2", "tenantId": "t"}


def test_but_keeps_to_the_fields_there_are() -> None:
    """A misspelt name is a mistake in our code, not an unknown field."""
    with pytest.raises(TypeError, match="corelation_id"):
        event().but(corelation_id="c")


def test_without_takes_a_field_off_the_wire() -> None:
    """Gone, not null; the value in Python is the default again."""
    after = event(tenant_id="t", replies=(reply("r"),)).without("tenant_id", "replies")

    assert (after.tenant_id, after.replies) == (None, ())
    assert not {"tenantId", "replies"} & set(after.to_wire())
    assert after == event()


def test_a_default_that_is_a_container_is_not_shared() -> None:
    """Two steps without attributes do not have the same dictionary."""
    assert step(0).without("attributes").attributes is not step(0).without("attributes").attributes


def test_the_wire_is_camel_case_and_says_only_what_was_set() -> None:
    """Defaults that nobody wrote stay away."""
    assert step(0, maxAttempts=5).to_wire() == {"id": "s0", "status": "PENDING", "maxAttempts": 5, "destination": "internal.s0.v1"}


def test_the_current_step_is_the_first_pending_one() -> None:
    """None when the slip has ended."""
    assert [event(slip).current for slip in ("PENDING", "OK SKIP PENDING PENDING", "OK", "")] == [0, 2, None, None]


def test_undelivered_replies_are_those_nobody_settled() -> None:
    """An error settles a reply too; here one is delivered."""
    assert [item.text for item in event(replies=(reply("a", delivered=True), reply("b"))).undelivered] == ["b"]


@pytest.mark.parametrize(
    ("value", "optional"), [({"optional": "true"}, True), ({"optional": "True"}, False), ({"optional": "1"}, False), ({}, False)]
)
def test_a_step_is_optional_when_it_says_true(value: dict[str, str], optional: bool) -> None:
    """Exactly ``true``."""
    assert step(0, attributes=value).optional is optional


@pytest.mark.parametrize("value", ["", "soon", "2026-01-31", "12"])
def test_garbage_holds_no_retry_back(value: str) -> None:
    """``notBefore`` is a transport hint; what cannot be read counts as none."""
    assert step(0, attributes={"notBefore": value}).not_before is None


def test_not_before_is_a_time() -> None:
    """As the law writes it."""
    assert step(0, attributes={"notBefore": format_time(NOW)}).not_before == NOW
    assert step(0).not_before is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T12:00:00Z", NOW),
        ("2026-01-31t12:00:00z", NOW),
        ("2026-01-31T12:00:00+00:00", NOW),
        ("2026-01-31T12:00:00-00:00", NOW),
        ("2026-01-31T13:30:00+01:30", NOW),
        ("2026-01-31T12:00:00.000Z", NOW),
        ("2026-01-31T12:00:00.5Z", NOW + timedelta(microseconds=500_000)),
        ("2026-01-31T12:00:00.123456789Z", NOW + timedelta(microseconds=123_456)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_times_are_rfc_3339(text: str, time: datetime) -> None:
    """Any zone is read as UTC, to the microsecond."""
    assert parse_time(text) == time
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *("", "now", "2026-01-31", "2026-01-31T12:00Z", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "20260131T120000Z"),
        *("2026-1-31T12:00:00Z", "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2016-12-31T23:59:60Z"),
        *("2026-01-31T12:00:00.Z", "2026-01-31T12:00:00Z ", "2026-01-31T12:00:00Z\n", "2026-01-31T12:00:00+0100"),
        *("2026-01-31T12:00:00+25:00", "+2026-01-31T12:00:00Z", "\u0662026-01-31T12:00:00Z", "2026-W05-6T12:00:00Z"),
        *("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"),
        *(0, 1.5, None, True, NOW.replace(tzinfo=None)),
    ],
)  # fmt: skip
def test_other_times_are_refused(value: object) -> None:
    """No guesses: numbers, dates, missing zones, leap seconds, other digits."""
    with pytest.raises(ValueError, match=r"."):
        parse_time(value)


def test_an_aware_time_is_taken_as_it_is() -> None:
    """In UTC."""
    assert parse_time(NOW.astimezone(timezone(timedelta(hours=2)))) == NOW


@given(times)
@settings(max_examples=100)
def test_a_time_is_written_so_that_it_reads_the_same(time: datetime) -> None:
    """Fractions only where there are some, always ``Z``."""
    text = format_time(time)

    assert parse_time(text) == time
    assert text.endswith("Z")
    assert ("." in text) == (time.microsecond != 0)


@given(envelopes())
@settings(max_examples=100)
def test_the_object_on_the_wire_reads_the_same(envelope: Envelope) -> None:
    """``to_wire`` gives what ``encode`` writes."""
    assert Envelope.model_validate(envelope.to_wire(), by_alias=True, by_name=False) == envelope


def test_every_field_of_the_contract_has_a_place() -> None:
    """Nothing of a full envelope is an unknown field but what we called ``future``."""
    envelope = Envelope.model_validate(full())
    values = [envelope, envelope.source, envelope.user, *envelope.routing_slip, *envelope.replies, *envelope.annotations, *envelope.trail]

    assert {key for value in values for key in value.model_extra or {}} == {"future"}
