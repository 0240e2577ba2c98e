"""What people read, word by word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from bitbrat.bus import Capabilities
from bitbrat.cli.banner import promise
from bitbrat.cli.output import exit_code, four_parts, table
from bitbrat.cli.show import age, finished, told
from bitbrat.errors import BitBratError, ConfigError
from bitbrat.store import StoreCapabilities

ROW: dict[str, Any] = {
    "id": "m1",
    "type": "external.chat.message.v1",
    "outcome": "handled",
    "at": "2026-01-01T12:00:00Z",
    "code": "",
    "user": {"name": "ann", "role": "moderator"},
    "text": "!quest",
    "rule": {"rule": "quest-command", "version": "4051681f"},
    "steps": [{"id": "quest", "status": "OK", "attempts": 1, "ms": 3.2}, {"id": "later", "status": "SKIP", "attempts": 0}],
    "replies": [{"text": "Quest 'Slay 10': 3/10"}],
    "failure": None,
    "totalMs": 41.4,
}
FAILED = {
    **ROW,
    "outcome": "failed",
    "code": "step.crashed",
    "replies": [],
    "steps": [{"id": "quest", "status": "ERROR", "attempts": 3, "ms": 0.4, "code": "step.crashed"}],
    "failure": {"step": "quest", "message": "KeyError: 'target'  steps/quest.py:31"},
}


def plain(text: str) -> str:
    """Without colour."""
    return click.unstyle(text)


def test_a_simulated_message_is_told() -> None:
    """Who said what, by which rule it went where, and the reply."""
    assert [plain(line) for line in told(ROW)] == [
        "@ann (moderator): !quest",
        "  routed by rule quest-command (4051681f) -> quest, later simulated, nothing sent outside",
        "  reply: \"Quest 'Slay 10': 3/10\"                         41 ms",
    ]


def test_a_failure_is_told_with_its_place() -> None:
    """Step, code, message."""
    assert [plain(line) for line in told(FAILED)][2:] == ["  failed at quest: step.crashed KeyError: 'target'  steps/quest.py:31"]


def test_a_finished_message_is_one_line() -> None:
    """Whatever is in it: line ends and escape sequences of users are shown as dots."""
    line = plain(finished({**ROW, "text": "a\r\nb\x1b[31m" + "x" * 500, "replies": [{"text": "c\nd"}]}))

    assert "\n" not in line
    assert "\x1b" not in line
    assert '"c·d"' in line
    assert len(line) < 250
    assert line.endswith("41 ms  ok")


@pytest.mark.parametrize(("row", "end"), [(FAILED, "FAILED step.crashed"), ({**ROW, "outcome": "pending_reply"}, "waiting for its reply")])
def test_how_it_ended_is_the_last_word(row: dict[str, Any], end: str) -> None:
    """In words, not in colour alone."""
    assert plain(finished(row)).endswith(end)


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (-5, "0 s"), (59.4, "59 s"), (90, "2 min"), (7_200, "2 h"), (200_000, "2 d")])
def test_an_age_is_told_in_its_largest_unit(seconds: float, said: str) -> None:
    """A clock that is ahead makes nobody younger than now."""
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert age((now - timedelta(seconds=seconds)).isoformat(), now) == said


def test_every_part_of_an_error_is_there() -> None:
    """What the error leaves out comes from the catalogue; further lines are set in."""
    error = BitBratError("net.port_in_use", "port 2728 is already in use", why="held by python (pid 4121)\nsince 11:58", fix="stop it")

    assert four_parts(error) == (
        "error: port 2728 is already in use\n"
        "  why   held by python (pid 4121)\n"
        "        since 11:58\n"
        "  fix   stop it\n"
        "  code  net.port_in_use      bitbrat explain net.port_in_use"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BitBratError("step.failed", ""), 1),
        (BitBratError("cli.usage", ""), 2),
        (BitBratError("cli.cannot_connect", ""), 4),
        (BitBratError("store.unavailable", ""), 4),
        (BitBratError("cli.refused", ""), 5),
        (BitBratError("auth.bad_key", ""), 5),
        (ConfigError("config.bad", ""), 78),
        (ValueError(), 1),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_an_error_has_its_exit_code(error: Exception, code: int) -> None:
    """Scripts and supervisors read it."""
    assert exit_code(error) == code


def test_columns_are_as_wide_as_they_need() -> None:
    """And no line ends in blanks."""
    assert table([("a", 1, ""), ("bcd", 22, "x")], ("N", "COUNT", "Z")) == "N    COUNT  Z\na    1\nbcd  22     x"


@pytest.mark.parametrize(
    ("bus", "store", "begins"),
    [
        (True, True, "one outcome for each hop"),
        (True, False, "at-least-once"),
        (False, True, "none across a restart"),
        (False, False, "none across"),
    ],
)
def test_the_promise_follows_from_what_survives_a_restart(bus: bool, store: bool, begins: str) -> None:
    """It is said at start, so that nobody believes in another one."""
    said = promise(Capabilities("b", bus, False, 30.0, 120.0, 1024), StoreCapabilities("s", store, False))

    assert said.startswith(begins)
