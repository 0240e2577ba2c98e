"""An event becomes an envelope whose id is the event's for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bitbrat import codec
from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.mint import MOMENT, mint
from bitbrat.envelope import Envelope, User
from bitbrat.world import named_id

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def event(source_event_id: str = "m1", **more: bool) -> IncomingEvent:
    """A message."""
    return IncomingEvent(
        event_class="chat",
        source_event_id=source_event_id,
        type="external.chat.message.v1",
        channel="room",
        channel_id="11",
        platform="twitch",
        payload={"text": "hi"},
        user=User(id="22", name="ann"),
        **more,
    )


def minted(source: IncomingEvent, connection: str = "twitch", now: datetime = NOW) -> Envelope:
    """Its envelope."""
    return mint(source, connection=connection, egress_destination="internal.egress.twitch.v1", now=now, trace_id="0" * 32)


def test_the_id_is_made_of_connection_class_and_source_id() -> None:
    """The contract's spelling, so that every replica and every source of the same message makes the same id."""
    envelope = minted(event())

    assert envelope.id == envelope.correlation_id == named_id("twitch:chat:m1")


def test_the_same_event_later_is_the_same_envelope() -> None:
    """A line received twice is one envelope, whenever it comes."""
    assert minted(event()).id == minted(event(), now=NOW + timedelta(days=30)).id


def test_two_connections_do_not_collide() -> None:
    """The same message through another connection is another envelope."""
    assert minted(event()).id != minted(event(), connection="second").id


def test_the_rest_is_minted_by_us() -> None:
    """Source, time, completion and an empty slip."""
    envelope = minted(event())

    assert envelope.source.to_wire() == {
        "platform": "twitch",
        "channel": "room",
        "channelId": "11",
        "egressDestination": "internal.egress.twitch.v1",
        "connectionId": "twitch",
    }
    assert (envelope.timestamp, envelope.finalization_destination, envelope.routing_slip) == (NOW, "internal.complete.v1", ())
    assert "status" not in envelope.to_wire()


def test_a_connection_that_cannot_answer_has_no_egress_destination() -> None:
    """Absent on the wire, not null."""
    envelope = mint(event(), connection="hook", egress_destination=None, now=NOW, trace_id="")

    assert "egressDestination" not in envelope.to_wire()["source"]


def test_a_minted_envelope_survives_the_wire() -> None:
    """Encoded and decoded it is equal."""
    envelope = minted(event())

    assert codec.decode(codec.encode(envelope)) == envelope


def test_the_same_words_in_the_same_moment_are_one_event() -> None:
    """Without id and time nothing else tells a double."""
    momentary = event("~words", momentary=True)

    assert minted(momentary).id == minted(momentary, now=NOW + timedelta(seconds=MOMENT - 1)).id


def test_the_same_words_a_moment_later_are_said_again() -> None:
    """Nobody is silenced for saying a thing a second time."""
    momentary = event("~words", momentary=True)

    assert minted(momentary).id != minted(momentary, now=NOW + timedelta(seconds=MOMENT)).id
