"""Rows 34 and 35, and the headers of the page on security: nothing but our own names, ASCII, small."""

import pytest

from bitbrat import bus
from bitbrat.bus import Message, check_message
from bitbrat.errors import BusError

LIMIT = 1024
FORBIDDEN = [
    *("Nats-Msg-Id", "Nats-Rollup", "Nats-Expected-Stream", "Nats-Expected-Last-Sequence", "Nats-Expected-Last-Subject-Sequence"),
    *("Nats-Expected-Last-Msg-Id", "Nats-TTL", "Nats-Marker-Reason", "Nats-Service-Error", "nats-rollup", "NATS-ROLLUP"),
    *("goog-x", "googclient_deliveryattempt", "GOOG-anything", "Status", "Description", "traceparent ", "Traceparent", "bb-user"),
    *("", "bb-type\r\nNats-Rollup", "bb-type\0", "x" * 10_000, "b\u0062-typ\u0435"),
]  # fmt: skip


def refused(headers: dict[str, str], *, identity: str = "e1:0:0", data: bytes = b"{}") -> str:
    """The code of the refusal."""
    with pytest.raises(BusError) as error:
        check_message(Message(identity, data, headers), limit=LIMIT)
    assert len(str(error.value)) < 300
    return error.value.code


@pytest.mark.parametrize("name", FORBIDDEN, ids=lambda name: ascii(name)[:40])
def test_35_a_header_that_is_not_ours(name: str) -> None:
    """Nothing steers the broker: an allow list, exact in spelling."""
    assert refused({name: "all"}) == "bus.forbidden_header"


def test_there_are_more_than_twenty() -> None:
    """As the page on security asks."""
    assert len(set(FORBIDDEN)) >= 20


@pytest.mark.parametrize("value", ["é", "\u200b", "a\r\nNats-Rollup: all", "a\nb", "a\0b", "\x7f", "\t"], ids=ascii)
def test_34_a_header_value_that_is_not_printable_ascii(value: str) -> None:
    """Before anything is published."""
    assert refused({bus.TYPE: value}) == "bus.bad_header"


def test_34_seventy_kilobytes_of_headers() -> None:
    """Brokers refuse more than 64 KB; we refuse far below."""
    assert refused({bus.TYPE: "x" * 70_000}) == "bus.bad_header"


@pytest.mark.parametrize("identity", ["é", "a\r\nb", "a\nb", "\0"], ids=ascii)
def test_a_wire_id_that_cannot_be_a_header(identity: str) -> None:
    """The wire id travels as a header too."""
    assert refused({}, identity=identity) == "bus.bad_header"


def test_headers_at_the_limit_are_allowed() -> None:
    """8 KiB of names and values, and not a byte more."""
    room = bus.MAX_HEADER_BYTES - len(bus.TYPE)

    check_message(Message("e1:0:0", b"{}", {bus.TYPE: "x" * room}), limit=LIMIT)
    assert refused({bus.TYPE: "x" * (room + 1)}) == "bus.bad_header"


def test_all_of_ours_are_allowed() -> None:
    """Every name of the contract, at once."""
    check_message(Message("e1:0:0", b"{}", dict.fromkeys(bus.ALLOWED_HEADERS, "x")), limit=LIMIT)


def test_38_a_message_that_is_too_large() -> None:
    """Refused before it reaches a broker; at the limit it is not."""
    check_message(Message("e1:0:0", b"x" * LIMIT, {}), limit=LIMIT)

    assert refused({}, data=b"x" * (LIMIT + 1)) == "envelope.too_large"
    assert refused({}, data=b"x" * 10_000_000) == "envelope.too_large"
