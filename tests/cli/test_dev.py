"""``bitbrat dev`` runs the platform of a folder, and the other commands find it there."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitbrat.cli.holder import holder_of
from tests.cli.shell import Staying, bitbrat, four_parts, staying

DEADLINE = 10.0
STEP = """
from bitbrat import Handled, Retry, Service, Skip

service = Service("boom")


@service.step("internal.boom.v1", retry=Retry(base=0.01))
async def act(envelope, ctx):
    if not envelope.payload.get("text", "").startswith("!boom"):
        return Skip("not for me")
    raise KeyError("target")
"""
RULES = """
- id: ping
  match: {command: "!ping"}
  reply: pong
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a rule and a step that crashes."""
    folder = tmp_path_factory.mktemp("dev")
    (folder / "steps").mkdir()
    (folder / "steps" / "boom.py").write_text(STEP)
    (folder / "rules").mkdir()
    (folder / "rules" / "mine.yaml").write_text(RULES)
    return folder


@pytest.fixture(scope="module")
def dev(place: Path) -> Iterator[Staying]:
    """It runs there."""
    with staying("dev", "--port", "0", cwd=place) as process:
        process.until("Ready in")
        yield process


def owner(place: Path) -> dict[str, str]:
    """What the running process has announced."""
    found: dict[str, str] = json.loads((place / ".bitbrat" / "api.json").read_text())
    return found


def test_the_banner_says_what_runs(dev: Staying, place: Path) -> None:
    """The steps of the folder among it; and ready means that /readyz has said so."""
    said = "".join(dev.lines)

    with urllib.request.urlopen(f"{owner(place)['url']}/readyz") as answer:  # noqa: S310 - our own process
        assert answer.status == 200
    assert "+1 from ./steps: boom" in said
    assert "Rules        1 in force" in said
    assert "Data         .bitbrat/dev.db   kept between runs" in said


def test_what_is_said_is_answered(dev: Staying, place: Path) -> None:
    """Through the process that runs: routed by rule, the reply, and a line in its output."""
    ran = bitbrat("say", "!ping", "--as", "moderator", "--user", "Ann", cwd=place)

    lines = ran.out.splitlines()
    assert (ran.code, lines[0]) == (0, "@ann (moderator): !ping")
    assert lines[1].startswith("  routed by rule ping (")
    assert lines[2].startswith('  reply: "pong"')
    assert "rule ping" in dev.until("@ann: !ping")


def test_a_message_that_fails_exits_1_and_is_listed(dev: Staying, place: Path) -> None:
    """With where, why and what to run next; the trace has the slip."""
    said = bitbrat("say", "!boom", cwd=place)
    story = bitbrat("trace", "last", "--json", cwd=place)
    listed = bitbrat("dlq", "list", "--json", cwd=place)

    assert said.code == 1
    assert "failed at boom: step.crashed KeyError: 'target'  steps/boom.py:11" in said.out
    assert [step["status"] for step in json.loads(story.out)["routingSlip"]] == ["SKIP", "SKIP", "ERROR"]
    assert json.loads(story.out)["id"] in [row["id"] for row in json.loads(listed.out)]


def test_an_event_is_sent_with_its_payload(dev: Staying, place: Path) -> None:
    """Values that are JSON count as what they are."""
    ran = bitbrat("send", "external.shop.sold.v1", "amount=3", "item=mug", "--json", cwd=place)
    story = json.loads(bitbrat("trace", json.loads(ran.out)["id"], "--json", cwd=place).out)

    assert ran.code == 0
    assert story["envelope"]["payload"] == {"amount": 3, "item": "mug"}
    assert story["envelope"]["simulated"] is True


def test_rules_and_doctor_ask_the_process_that_runs(dev: Staying, place: Path) -> None:
    """It knows which rules are in force."""
    explained = bitbrat("rules", "explain", "!ping", cwd=place)
    doctor = bitbrat("doctor", cwd=place)

    assert (explained.code, explained.out.splitlines()[:2]) == (0, ["matches ping", '-> ping  MATCH command=="!ping" ✓'])
    assert f"running: pid {dev.process.pid}" in doctor.out
    assert doctor.code == 0


def test_tail_shows_the_last_ones_oldest_first(dev: Staying, place: Path) -> None:
    """As many as are asked for; with --json one object a line."""
    for text in ("one", "two"):
        bitbrat("say", text, cwd=place)

    ran = bitbrat("tail", "--last", "2", "--json", cwd=place)

    assert [json.loads(line)["text"] for line in ran.out.splitlines()] == ["one", "two"]


def test_a_second_one_on_the_same_data_is_told_who_has_them(dev: Staying, place: Path) -> None:
    """And what to do; nothing of the first one is touched."""
    ran = bitbrat("dev", "--port", "0", cwd=place)

    parts = four_parts(ran.err)
    assert ran.code == 1
    assert parts["error"] == f"{place.resolve()}/.bitbrat/dev.db is in use by the process {dev.process.pid}"
    assert parts["code"].split()[0] == "bus.in_use"
    assert owner(place)["pid"] == dev.process.pid


def test_the_token_is_for_its_owner_only(dev: Staying, place: Path) -> None:
    """Mode 0600."""
    assert stat.S_IMODE((place / ".bitbrat" / "token").stat().st_mode) == 0o600


def test_a_port_that_is_taken_is_named_with_its_holder(tmp_path: Path) -> None:
    """It does not move to another one by itself."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ran = bitbrat("dev", "--port", str(port), cwd=tmp_path)

    parts = four_parts(ran.err)
    assert (ran.code, parts["error"], parts["code"].split()[0]) == (1, f"port {port} is already in use", "net.port_in_use")
    assert f"(pid {os.getpid()}," in parts["why"]
    assert parts["fix"].startswith("stop it, or run: bitbrat dev --port")


def test_nobody_holds_a_port_that_is_free() -> None:
    """So nobody is blamed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))

        assert holder_of(probe.getsockname()[1]) is None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: int, code: int) -> None:
    """Within the time that a process has, and nobody is sent to it afterwards."""
    with staying("dev", "--port", "0", cwd=tmp_path) as process:
        process.until("Ready in")

        assert process.end(number, seconds=DEADLINE) == code
    assert not (tmp_path / ".bitbrat" / "api.json").exists()


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """After kill -9 the message is there: without a process, and with the next one."""
    with staying("dev", "--port", "0", cwd=tmp_path) as process:
        process.until("Ready in")
        said = json.loads(bitbrat("say", "!ping", "--json", cwd=tmp_path).out)
        process.end(signal.SIGKILL)

    alone = json.loads(bitbrat("trace", "last", "--json", cwd=tmp_path).out)
    with staying("dev", "--port", "0", cwd=tmp_path) as process:
        process.until("Ready in")
        again = json.loads(bitbrat("trace", "last", "--json", cwd=tmp_path).out)

    assert (alone["id"], again["id"]) == (said["id"], said["id"])
    assert again["envelope"]["replies"][0]["text"] == "pong"


def test_a_step_file_that_cannot_be_loaded_is_in_the_banner_and_in_the_exit_code(tmp_path: Path) -> None:
    """The others run all the same."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "bad.py").write_text("service = (\n")
    (tmp_path / "steps" / "boom.py").write_text(STEP)

    with staying("dev", "--port", "0", "--ephemeral", cwd=tmp_path) as process:
        process.until("Ready in")
        code = process.end()

    said = "".join(process.lines)
    assert "FAILED       steps/bad.py: SyntaxError" in said
    assert "+1 from ./steps: boom" in said
    assert code == 1
