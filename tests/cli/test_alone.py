"""Without a process that runs, the commands do the work themselves, for the moment. Ids are rows of the table of bad inputs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import bitbrat, environment, four_parts

MOODY = """
from pathlib import Path

from bitbrat import Handled, Retry, Service, Skip

service = Service("moody")


@service.step("internal.moody.v1", retry=Retry(base=0.01))
async def act(envelope, ctx):
    if not envelope.payload.get("text", "").startswith("!boom"):
        return Skip("not for me")
    if not Path("good").exists():
        raise KeyError("target")
    return Handled(reply="mended")
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a step that works only where there is a file called good, and one message that has failed."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "moody.py").write_text(MOODY)
    assert bitbrat("say", "!boom", cwd=tmp_path).code == 1
    return tmp_path


def failures(place: Path) -> list[str]:
    """The ids of what is on the list."""
    return [row["id"] for row in json.loads(bitbrat("dlq", "list", "--json", cwd=place).out)]


def test_what_is_said_is_kept(tmp_path: Path) -> None:
    """In a folder where nothing was: answered, and there for the next question."""
    said = bitbrat("say", "!ping", cwd=tmp_path)
    told = bitbrat("trace", "last", cwd=tmp_path)

    assert (said.code, 'reply: "pong"' in said.out) == (0, True)
    assert 'Story  you wrote "!ping" (simulated).' in told.out
    assert "commands" in told.out


def test_row_91_a_failure_is_replayed_once(place: Path) -> None:
    """While nothing else runs; the second time there is an error, and nothing happens."""
    (name,) = failures(place)
    (place / "good").touch()

    first = bitbrat("dlq", "retry", name, name, cwd=place)
    second = bitbrat("dlq", "replay", name, cwd=place)

    assert (first.code, first.out.splitlines()[-1]) == (0, "replay: ok 1  failed 0")
    assert (second.code, four_parts(second.err)["code"].split()[0]) == (1, "dlq.not_open")
    assert failures(place) == []


def test_row_91_an_unknown_id_is_not_found(place: Path) -> None:
    """Alone it fails; among others it is counted, and the others are done."""
    (name,) = failures(place)
    (place / "good").touch()

    alone = bitbrat("dlq", "replay", "0123456789", cwd=place)
    among = bitbrat("dlq", "replay", "0123456789", name, "--json", cwd=place)

    assert (alone.code, four_parts(alone.err)["code"].split()[0]) == (1, "dlq.not_found")
    counted = json.loads(among.out)
    assert (among.code, counted["ok"], counted["failed"]) == (3, 1, 1)


def test_row_90_a_set_is_not_touched_unasked(place: Path) -> None:
    """Without a terminal the flag is named; --dry-run says what would be done; --yes does it."""
    refused = bitbrat("dlq", "discard", "--all", cwd=place)
    dry = bitbrat("dlq", "discard", "--all", "--dry-run", cwd=place)
    still = failures(place)
    done = bitbrat("dlq", "discard", "--all", "--yes", cwd=place)

    assert (refused.code, four_parts(refused.err)["fix"]) == (5, "add --yes")
    assert (dry.code, "Will discard 1 message, oldest" in dry.out) == (0, True)
    assert len(still) == 1
    assert (done.code, done.out.splitlines()[-1]) == (0, "discard: ok 1  failed 0")
    assert failures(place) == []


def test_a_group_is_replayed_by_its_fingerprint(place: Path) -> None:
    """What fails again is on the list again, as the replay."""
    (group,) = json.loads(bitbrat("dlq", "groups", "--json", cwd=place).out)
    before = failures(place)

    ran = bitbrat("dlq", "replay", "--group", group["fingerprint"], "--yes", "--json", cwd=place)

    result = json.loads(ran.out)["results"][0]
    assert (ran.code, result["original"], result["outcome"], result["state"]) == (1, before[0], "failed", "open")
    assert set(failures(place)) == {before[0], result["id"]}


def test_the_original_bytes_are_shown(place: Path) -> None:
    """As they came."""
    raw = bitbrat("dlq", "show", "last", "--raw", cwd=place)

    assert json.loads(raw.out)["payload"]["text"] == "!boom"


def test_rules_are_checked_where_they_are(tmp_path: Path) -> None:
    """Every problem with its file, line and column; exit 1."""
    (tmp_path / "rules.yaml").write_text("- id: a\n  mach: {command: x}\n")

    ran = bitbrat("rules", "test", "--rules", "rules.yaml", cwd=tmp_path)

    assert ran.code == 1
    assert "rules.yaml:2:3: rules.unknown_key:" in ran.err
    assert not (tmp_path / ".bitbrat").exists()


def test_doctor_finds_what_is_wrong_and_changes_nothing(tmp_path: Path) -> None:
    """Each finding with a fix; 1 when something fails."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "bad.py").write_text("(")

    ran = bitbrat("doctor", "--json", cwd=tmp_path, BITBRAT_BUZ="1", BITBRAT_STORE="memory://")

    found = {one["code"]: one for one in json.loads(ran.out) if one["state"] == "FAIL"}
    assert ran.code == 1
    assert set(found) == {"config.bad", "config.unknown"}
    assert all(one["fix"] for one in found.values())
    assert not (tmp_path / ".bitbrat").exists()


def test_the_schemas_are_written(tmp_path: Path) -> None:
    """Into the folder that is named."""
    ran = bitbrat("schema", "export", "out", "--json", cwd=tmp_path)

    assert "out/envelope.v1.schema.json" in json.loads(ran.out)
    assert all((tmp_path / path).is_file() for path in json.loads(ran.out))


@pytest.mark.slow
def test_what_new_writes_is_green_and_answers_at_once(tmp_path: Path) -> None:
    """A step and a service; a second time nothing is overwritten."""
    made = [bitbrat("new", kind, name, cwd=tmp_path).code for kind, name in (("step", "greet-me"), ("service", "quest"))]
    again = bitbrat("new", "step", "greet-me", cwd=tmp_path)

    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
    )
    said = bitbrat("say", "!greet-me", "--user", "Ann", cwd=tmp_path)

    assert made == [0, 0]
    assert (tests.returncode, "4 passed" in tests.stdout) == (0, True), tests.stdout
    assert 'reply: "Hello, Ann!"' in said.out
    assert (again.code, four_parts(again.err)["code"].split()[0]) == (1, "cli.exists")
