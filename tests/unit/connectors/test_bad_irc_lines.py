"""The bad lines of the list of bad inputs, each by its row: what the parser's half of the answer is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bitbrat.connectors.text import normalise
from bitbrat.connectors.twitch.irc_line import IrcError, parse_line
from bitbrat.connectors.twitch.irc_split import MAX_LINE, LineSplitter
from bitbrat.connectors.twitch.parse_stream import parse_record

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
FROM = b":ann!ann@h PRIVMSG #room"


def outcome(line: bytes) -> str:
    """What becomes of a line: ``envelope``, ``ignored <command>``, or the error's code."""
    record = parse_record(line, now=NOW)
    return (
        "envelope" if "envelope" in record else f"ignored {record['ignored']}".strip() if "ignored" in record else record["error"]["code"]
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"x" * (MAX_LINE + 1), "irc.line_too_long", id="66 no line end"),
        pytest.param(b"\n", "ignored", id="67 bare newline"),
        pytest.param(b"\r", "ignored", id="67 bare return"),
        pytest.param(b"", "ignored", id="67 empty"),
        pytest.param(b" " * 512, "ignored", id="67 spaces"),
        pytest.param(b"@a=1;b=2", "irc.malformed", id="68 tags only"),
        pytest.param(b"@", "irc.malformed", id="68 at sign alone"),
        pytest.param(b"@a;b= " + FROM + b" :x", "envelope", id="68 tags without value"),
        pytest.param(rb"@a=\:\s\\\r\n\ " + FROM + b" :x", "envelope", id="68 every escape and a lone backslash"),
        pytest.param(b"@a=1;a=2 " + FROM + b" :x", "envelope", id="68 doubled tag"),
        pytest.param(b"@a=" + b"x" * 8188 + b" " + FROM + b" :x", "envelope", id="68 8191 bytes of tags"),
        pytest.param(FROM + b" :\xff\xfe", "envelope", id="69 invalid UTF-8"),
        pytest.param(FROM + b" :\xc0\x80\xe0\x80\xaf", "envelope", id="69 overlong forms"),
        pytest.param(FROM + " :👩‍👩‍👧".encode(), "envelope", id="69 emoji with joiners"),
        pytest.param(FROM + " :\u202eשלום".encode(), "envelope", id="69 right to left"),
        pytest.param(FROM + b" :a" + "\u0301".encode() * 500, "envelope", id="69 500 combining marks"),
        pytest.param(FROM, "irc.malformed", id="70 without text"),
        pytest.param(b":ann!ann@h PRIVMSG", "irc.malformed", id="70 without channel"),
        pytest.param(b":ann!ann@h PRIVMSG ann :hi", "irc.malformed", id="70 to a person"),
        pytest.param(FROM + b" :\x01ACTION waves\x01", "envelope", id="70 action"),
        pytest.param(FROM + b" :\x01ACTION waves", "envelope", id="70 action without end"),
        pytest.param(b"FROB a b", "ignored FROB", id="71 unknown command"),
        pytest.param(b":h 999 a :b", "ignored 999", id="71 numeric 999"),
        pytest.param(b"RECONNECT", "ignored RECONNECT", id="71 reconnect"),
        pytest.param(b":h NOTICE * :Login authentication failed", "ignored NOTICE", id="71 login failed"),
        pytest.param(b":h CAP * NAK :x", "ignored CAP", id="71 refused capability"),
        pytest.param(b"PING", "ignored PING", id="72 ping without argument"),
    ],
)
def test_a_bad_line_has_one_known_outcome(line: bytes, expected: str) -> None:
    """Row by row: an envelope, ignored, or a code; never an exception."""
    assert outcome(line) == expected


@pytest.mark.parametrize(
    "line", ["!p\u200bi\u200cn\u200dg", "\u202e!ping\u202c", "!ＰＩＮＧ"], ids=["69 zero width", "69 direction", "69 full width"]
)
def test_a_disguised_text_is_kept_and_found(line: str) -> None:
    """The user's text stays as sent; the copy for matching is plain."""
    envelope = parse_record(FROM + f" :{line}".encode(), now=NOW)["envelope"]

    assert envelope["payload"]["text"] == line
    assert normalise(line) == "!ping"


@pytest.mark.parametrize(
    "tags", [b"@room-id=1;user-id=2;tmi-sent-ts=1700000000000 ", b"@id=;tmi-sent-ts=1700000000000 ", b""], ids=lambda tags: f"73 {tags!r}"
)
def test_73_a_double_without_an_id_is_one_envelope(tags: bytes) -> None:
    """The id is made from room, user, time and text."""
    first, again = (parse_record(tags + FROM + b" :hi", now=NOW)["envelope"] for _ in range(2))
    other = parse_record(tags + FROM + b" :ho", now=NOW)["envelope"]

    assert first["id"] == again["id"] != other["id"]
    assert first["payload"]["messageId"] == ""


def test_74_tags_in_the_text_give_no_power() -> None:
    """Roles come from the tags of the server's line only."""
    envelope = parse_record(b"@user-type= " + FROM + b" :@user-type=mod;badges=broadcaster/1 :h PRIVMSG", now=NOW)["envelope"]

    assert (envelope["user"]["role"], envelope["user"].get("roles")) == ("viewer", None)


def in_one_segment(stream: bytes) -> list[bytes]:
    """The stream as one read."""
    return [stream]


def byte_by_byte(stream: bytes) -> list[bytes]:
    """The stream in the smallest reads there are."""
    return [bytes([byte]) for byte in stream]


@pytest.mark.parametrize("cut", [in_one_segment, byte_by_byte], ids=["75 in one segment", "75 byte by byte"])
def test_lines_come_out_all_and_in_order(cut: Callable[[bytes], list[bytes]]) -> None:
    """However they were cut into reads."""
    lines = [FROM + f" :{number} 🦆".encode() for number in range(300)]
    splitter = LineSplitter()

    out = [item for read in cut(b"".join(line + b"\r\n" for line in lines)) for item in splitter.feed(read)]

    assert out == lines
    assert not [item for item in out if isinstance(item, IrcError)]
    assert [parse_line(line).params[1] for line in lines] == [f"{number} 🦆" for number in range(300)]
