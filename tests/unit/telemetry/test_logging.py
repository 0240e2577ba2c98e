"""Log lines: one JSON object an event, harmless and without secrets."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitbrat.telemetry import names
from bitbrat.telemetry.escape import MAX_TEXT, escape
from bitbrat.telemetry.hop_log import HopLog
from bitbrat.telemetry.logging import Logs, configure, get_logger

NOON = datetime(2026, 1, 31, 12, 0, 0, 5000, tzinfo=UTC)

INJECTIONS = [
    "\n",
    "\r\n",
    '\n{"level":"info","msg":"forged"}',
    "\x00",
    "\x07",
    "\x08\x08\x08",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b[31mred",
    "\x7f",
    "\x85",
    "\x9b31m",
    "\u2028",
    "\u2029",
    "\u202edaol",
    "\u202a",
    "\u2066x\u2069",
    "\u200e\u200f",
    "\u061c",
    "\u200b",
    "\ufeff",
    "\ufff9",
    "\ud800",
    "%s%d{0.__class__}",
    "a" * 10_000,
]


def logs(stream: io.StringIO, **options: Any) -> Logs:
    """Logs as JSON into ``stream``, at a fixed time."""
    return Logs(stream=stream, now=lambda: NOON, log_format="json", **options)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was written, parsed."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_service_and_message_first() -> None:
    """The first four fields are always the same, in the same order."""
    stream = io.StringIO()

    logs(stream).logger("auth").info("user seen", role="viewer")

    assert lines(stream) == [{"ts": "2026-01-31T12:00:00.005Z", "level": "info", "service": "auth", "msg": "user seen", "role": "viewer"}]
    assert list(lines(stream)[0])[:4] == ["ts", "level", "service", "msg"]


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_text_from_outside_cannot_forge_a_line(text: str) -> None:
    """Whatever a user wrote stays in its field of one line, and a terminal that shows it obeys none of it."""
    stream = io.StringIO()

    logs(stream).logger("auth").info("chat", text=text)

    assert len(lines(stream)) == 1
    shown = lines(stream)[0]["text"]
    assert shown.isprintable()
    assert len(shown) <= MAX_TEXT
    assert stream.getvalue().isprintable() or stream.getvalue().endswith("\n")


@given(st.text(max_size=600))
def test_escaped_text_holds_no_control_character(text: str) -> None:
    """Neither line breaks nor terminal commands nor direction marks survive."""
    shown = escape(text)

    assert not any(character < " " or "\x7f" <= character <= "\x9f" or character in "\u202e\u2028\u2066" for character in shown)
    shown.encode()


def test_emoji_with_joiners_and_scripts_from_right_to_left_stay_readable() -> None:
    """Escaping is for what is harmful, not for what is not English."""
    assert escape("👩‍🚀 שלום مرحبا ąé") == "👩‍🚀 שלום مرحبا ąé"


def test_below_the_level_nothing_is_written() -> None:
    """A logger at warning writes no info line; a field that would be costly to show is never asked."""
    stream = io.StringIO()
    quiet = logs(stream, level="warning")

    class Costly:
        def __repr__(self) -> str:
            raise AssertionError("was shown")

    quiet.logger("auth").info("fine", what=Costly())

    assert stream.getvalue() == ""
    assert not HopLog(quiet, "auth").enabled
    assert HopLog(quiet, "auth").warns


def test_every_text_goes_through_the_redactor_with_its_key() -> None:
    """Nested values, exceptions and the event itself: nothing gets by."""
    stream = io.StringIO()
    log = logs(stream, redact=lambda key, text: "***" if key == "token" else text.replace("hunter2", "***")).logger("auth")

    try:
        raise ValueError("password hunter2")
    except ValueError as error:
        log.warning("got hunter2", token="abc", more={"deep": ["hunter2"]}, cause=error, exc_info=True)

    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["token"] == "***"


def test_an_exception_is_told_without_its_source_lines() -> None:
    """What it is and where it came through; no stack trace with code or values in it."""
    stream = io.StringIO()
    secret_local = "in a local variable"

    try:
        raise KeyError("target")
    except KeyError as error:
        logs(stream).logger("quest").error("handler failed", exc_info=error)

    line = lines(stream)[0]
    assert line["error"] == "KeyError: 'target'"
    assert line["at"][-1].startswith("test_logging.py:")
    assert secret_local not in stream.getvalue()


def test_a_hop_line_has_the_fields_of_the_contract_in_order() -> None:
    """The fields that ``bitbrat trace`` and dashboards build on."""
    stream = io.StringIO()

    HopLog(logs(stream), "quest").line("hop", envelope_id="e1", correlation_id="c1", step="quest", index=1, outcome="next", seconds=0.0031)

    line = lines(stream)[0]
    assert tuple(line) == names.LINE_FIELDS
    assert (line["duration_ms"], line["level"], line["index"]) == (3.1, "info", 1)


def test_a_failed_hop_is_a_warning_with_its_code() -> None:
    """The code is the catalogue's, and the level lets a quiet deployment still see it."""
    stream = io.StringIO()

    HopLog(logs(stream, level="warning"), "quest").line("hop", envelope_id="e1", outcome="failed", code="step.crashed")

    assert (lines(stream)[0]["level"], lines(stream)[0]["code"]) == ("warning", "step.crashed")


def test_on_a_terminal_lines_are_text() -> None:
    """``auto`` on a terminal is for people."""
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]

    Logs(stream=stream, now=lambda: NOON).logger("auth").warning("slow", ms=12)

    assert stream.getvalue() == "12:00:00 warning auth  slow  ms=12\n"


def test_a_stream_that_is_gone_stops_nobody() -> None:
    """A closed stderr is no reason for a hop to fail."""
    stream = io.StringIO()
    log = logs(stream).logger("auth")
    stream.close()

    log.info("nobody hears this")


def test_the_process_has_one_place_to_configure() -> None:
    """``get_logger`` writes where ``configure`` said."""
    stream = io.StringIO()
    configure(logs(stream))

    get_logger("auth").bind(run=1).info("hello")
    configure(Logs())

    assert lines(stream)[0]["run"] == 1
