"""A call that makes no sense ends with a sentence, four parts and its exit code. Ids are rows of the table of bad inputs."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.shell import BITBRAT, bitbrat, environment, four_parts

FOLDER, EMPTY, LIST = "folder", "empty.json", "list.json"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with an empty file, a folder and a file that holds a list."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / EMPTY).touch()
    (tmp_path / LIST).write_text("[]")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["frobnicate"], "No such command 'frobnicate'.", id="90-unknown-command"),
        pytest.param(["sya", "hi"], "there is no command 'sya'. Did you mean 'say'?", id="90-nearly-a-command"),
        pytest.param(["say"], "Missing argument 'TEXT'.", id="90-missing-argument"),
        pytest.param(["say", "hi", "--seed", "x"], "No such option", id="90-unknown-option"),
        pytest.param(["say", "hi", "--as", "emperor"], "Invalid value for '--as'", id="90-bad-choice"),
        pytest.param(["tail", "--last", "x"], "Invalid value for '--last'", id="90-not-a-number"),
        pytest.param(["say", b"\xff\xfe"], "argument 2 is not UTF-8 text", id="90-argv-not-utf8"),
        pytest.param(["say", "hi", "--user", ""], "user: not 1 to 100 printable characters", id="90-empty-name"),
        pytest.param(["send", "--file", EMPTY], "empty.json is not a JSON object: the message has no bytes", id="90-empty-file"),
        pytest.param(["send", "--file", FOLDER], "File 'folder' is a directory.", id="90-directory-as-file"),
        pytest.param(["send", "--file", LIST], "list.json is not a JSON object", id="90-list-as-object"),
        pytest.param(["send", "--file", "nowhere.json"], "File 'nowhere.json' does not exist.", id="90-no-such-file"),
        pytest.param(["send", "internal.dlq.v1"], "type: not an event type", id="90-internal-type"),
        pytest.param(["send", "external.shop.sold.v1", "amount"], "'amount' is not of the form KEY=VALUE", id="90-no-value"),
        pytest.param(["dlq", "replay"], "name failures by ID, or give --all, or --group FINGERPRINT", id="91-nothing-named"),
        pytest.param(["dlq", "discard", "x", "--all"], "name failures by ID, or give --all", id="91-named-twice"),
        pytest.param(["new", "step", "Bad Name"], "'Bad Name' is not a name", id="new-bad-name"),
        pytest.param(["new", "step", "../x"], "'../x' is not a name", id="new-path"),
        pytest.param(["new", "service", "auth"], "'auth' is the platform's own", id="new-taken-name"),
    ],
)
def test_a_call_that_makes_no_sense_exits_2(place: Path, arguments: list[str | bytes], says: str) -> None:
    """What, why, a fix to run, the code; nothing on stdout, no stack trace, nothing written."""
    ran = bitbrat(*arguments, cwd=place)

    parts = four_parts(ran.err)
    assert (ran.code, ran.out) == (2, "")
    assert says in parts["error"]
    assert (parts["fix"].startswith("bitbrat"), parts["code"].split()[0]) == (True, "cli.usage")
    assert "Traceback" not in ran.err
    assert sorted(path.name for path in place.iterdir()) == [EMPTY, FOLDER, LIST]


def test_an_error_has_four_parts() -> None:
    """Golden: this is what every error looks like."""
    ran = bitbrat("explain", "step.crached", cwd=Path.cwd())

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "error: there is no code 'step.crached'\n"
        "  why   There is no such error code.\n"
        "  fix   bitbrat explain step.crashed\n"
        "  code  cli.unknown_code      bitbrat explain cli.unknown_code\n"
    )


def test_a_question_about_nothing_is_answered_without_making_files(tmp_path: Path) -> None:
    """Golden: nothing has run here, and it is still so afterwards."""
    ran = bitbrat("trace", "last", cwd=tmp_path)

    assert ran.code == 1
    assert ran.err == (
        "error: there is nothing in .bitbrat/dev.db, and no process that owns it\n"
        "  why   Nothing has run here yet.\n"
        '  fix   bitbrat dev, or: bitbrat say "!ping"\n'
        "  code  cli.no_data      bitbrat explain cli.no_data\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_row_90_a_reader_that_goes_away_is_all_right(tmp_path: Path) -> None:
    """``bitbrat explain | head -1`` exits 0 and says nothing about it."""
    read, write = os.pipe()
    os.close(read)

    run = subprocess.run([BITBRAT, "explain"], stdout=write, stderr=subprocess.PIPE, cwd=tmp_path, env=environment(), timeout=60)

    os.close(write)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("settings", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=["tty", "90-no-color", "dumb"]
)
def test_colour_is_for_terminals_that_want_it(tmp_path: Path, settings: dict[str, str], coloured: bool) -> None:
    """On a terminal there is some; with NO_COLOR, a dumb terminal, or no terminal there is none."""
    ours, theirs = pty.openpty()

    run = subprocess.run(
        [BITBRAT, "doctor"], stdout=theirs, stderr=theirs, cwd=tmp_path, env=environment(**{"TERM": "xterm", **settings}), timeout=60
    )
    said = os.read(ours, 100_000)

    os.close(ours)
    os.close(theirs)
    assert run.returncode == 0
    assert (b"\x1b[" in said) is coloured


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["say", "--help"], ["dlq", "retry", "--help"], ["--version"], ["version", "--json"]], ids=" ".join
)
def test_help_and_version_exit_0(tmp_path: Path, arguments: list[str]) -> None:
    """On stdout."""
    ran = bitbrat(*arguments, cwd=tmp_path)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out
