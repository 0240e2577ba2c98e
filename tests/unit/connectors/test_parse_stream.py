"""``bitbrat twitch parse`` gives one object a line, the same one each time, whatever the line holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitbrat import codec
from bitbrat.connectors.twitch.irc_split import MAX_LINE
from bitbrat.connectors.twitch.parse_stream import parse_record, written
from bitbrat.world import named_id

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
CHAT = b"@id=m1;tmi-sent-ts=1700000000000 :ann!ann@h PRIVMSG #room :hi there\r\n"


def record(line: bytes, *, wire: bool = False) -> dict[str, Any]:
    """The object of a line."""
    return parse_record(line, now=NOW, wire=wire)


def test_a_message_is_an_envelope() -> None:
    """With the id that ingress mints, the platform's time, and a trace id of its own."""
    envelope = record(CHAT)["envelope"]

    assert (envelope["id"], envelope["timestamp"]) == (named_id("twitch:chat:m1"), "2023-11-14T22:13:20Z")
    assert len(envelope["traceId"]) == 32
    assert codec.encode(codec.decode(json.dumps(envelope).encode()))


def test_the_same_line_gives_the_same_object() -> None:
    """Also later: nothing of it is taken from the clock."""
    assert record(CHAT) == parse_record(CHAT, now=datetime(2030, 1, 1, tzinfo=UTC))


def test_now_stands_in_for_a_time_that_the_platform_did_not_give() -> None:
    """A line without tags has no time of its own."""
    assert record(b":ann!ann@h PRIVMSG #room :hi")["envelope"]["timestamp"] == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("line", "ignored"),
    [(b"PING :x\r\n", "PING"), (b"join #c", "JOIN"), (b":h 376 a :b", "376"), (b"\r\n", ""), (b"", ""), (b" " * 512, "")],
)
def test_what_is_no_event_is_ignored_by_name(line: bytes, ignored: str) -> None:
    """The command's name; nothing for a blank line."""
    assert record(line) == {"ignored": ignored}


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"@a=1", "irc.malformed"), (b":ann!ann@h PRIVMSG #room", "irc.malformed"), (b"X :" + b"x" * MAX_LINE, "irc.line_too_long")],
)
def test_what_cannot_be_read_is_an_error(line: bytes, code: str) -> None:
    """Code and message, as data."""
    error = record(line)["error"]

    assert error["code"] == code
    assert error["message"]


def test_the_wire_form_shows_the_parts() -> None:
    """Command, params, prefix and tags; no prefix is null."""
    assert record(CHAT, wire=True) == {
        "command": "PRIVMSG",
        "params": ["#room", "hi there"],
        "prefix": {"nick": "ann", "user": "ann", "host": "h"},
        "tags": {"id": "m1", "tmi-sent-ts": "1700000000000"},
    }
    assert record(b"PING", wire=True) == {"command": "PING", "params": [], "prefix": None, "tags": {}}


def test_the_wire_form_needs_no_meaning() -> None:
    """Chat without its parts is still a line; a blank line is ignored, garbage an error."""
    assert record(b"PRIVMSG", wire=True)["command"] == "PRIVMSG"
    assert record(b"\n", wire=True) == {"ignored": ""}
    assert record(b"@a=1", wire=True)["error"]["code"] == "irc.malformed"


@given(
    st.one_of(st.binary(), st.binary().map(lambda rest: CHAT.strip() + rest), st.binary().map(lambda rest: b"@" + rest + CHAT[1:])),
    st.booleans(),
)
def test_every_line_gives_one_object_that_is_json(line: bytes, wire: bool) -> None:
    """Nothing on stdin can stop the stream."""
    found = record(line, wire=wire)

    json.dumps(found, ensure_ascii=False).encode()
    assert len(set(found) & {"envelope", "ignored", "error", "command"}) == 1


def test_a_record_is_one_line_for_every_reader() -> None:
    """Some readers end a line at more than a line feed; what is written has none of those."""
    odd = "a\u0085b\u2028c\u2029d\x0be\x1cf"

    line = written(record(f":ann!ann@h PRIVMSG #room :{odd}".encode()))

    assert len(line.decode().splitlines()) == 1
    assert json.loads(line)["envelope"]["payload"]["text"] == odd
