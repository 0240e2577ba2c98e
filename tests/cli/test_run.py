"""``bitbrat run`` is the production entry point: settings from the environment, services by name, exit codes for supervisors."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.cli.shell import bitbrat, four_parts, staying

MEMORY = {"BITBRAT_BUS": "memory://", "BITBRAT_STORE": "memory://"}
CORE = [f"services.{name}" for name in ("ingress_egress", "auth", "router", "finalizer", "dlq")]
MY_STEPS = """
from bitbrat import Handled, Next, Service

service = Service("mine")


@service.step("internal.one.v1")
async def one(envelope, ctx):
    return Next(payload={"one": True})


@service.step("internal.two.v1")
async def two(envelope, ctx):
    return Handled(reply="both have run")
"""
RULES = """
- id: both
  match: {command: "!both"}
  slip: [one, two]
"""


def test_services_of_our_own_run_beside_the_platform(tmp_path: Path) -> None:
    """Found on PYTHONPATH, several steps in one; ready only with all topics; the promise is said; SIGTERM ends it with 0."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "my_steps.py").write_text(MY_STEPS)
    (tmp_path / "rules.yaml").write_text(RULES)
    data = {"BITBRAT_BUS": "sqlite:///data/bus.db", "BITBRAT_STORE": "memory://", "BITBRAT_HTTP_PORT": "0"}
    settings = {**data, "BITBRAT_ROUTER__RULES": "rules.yaml", "PYTHONPATH": str(code), "BITBRAT_LOG_FORMAT": "json"}

    with staying("run", *CORE, "my_steps:service", cwd=tmp_path, **settings) as process:
        ready = json.loads(process.until('"msg":"ready"'))
        with urllib.request.urlopen(f"{ready['url']}/readyz") as answer:  # noqa: S310 - our own process
            status = answer.status
        said = bitbrat("say", "!both", "--json", cwd=tmp_path)
        ended = process.end(signal.SIGTERM, seconds=10.0)

    told = [json.loads(line) for line in process.lines]
    topics = next(line["topics"] for line in told if line["msg"] == "topics")
    row = json.loads(said.out)
    assert (status, ended) == (200, 0)
    assert {"internal.one.v1", "internal.two.v1", "internal.complete.v1", "internal.dlq.v1"} <= set(topics)
    assert any("promise: at-least-once" in line["msg"] for line in told)
    assert ([step["status"] for step in row["steps"]], row["replies"][0]["text"]) == (["OK", "OK"], "both have run")


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        pytest.param({}, ["config.missing  BITBRAT_BUS", "config.missing  BITBRAT_STORE"], id="86-missing"),
        pytest.param({**MEMORY, "BITBRAT_HTTP_PORT": ""}, ["config.bad  BITBRAT_HTTP_PORT"], id="86-empty"),
        pytest.param({**MEMORY, "BITBRAT_HTTP_PORT": " "}, ["config.bad  BITBRAT_HTTP_PORT"], id="86-spaces"),
        pytest.param({**MEMORY, "BITBRAT_HTTP_PORT": "-1"}, ["config.bad  BITBRAT_HTTP_PORT"], id="86-negative"),
        pytest.param({**MEMORY, "BITBRAT_HTTP_PORT": "1e9"}, ["config.bad  BITBRAT_HTTP_PORT"], id="86-exponent"),
        pytest.param({**MEMORY, "BITBRAT_HTTP_PORT": "٢٧٢٨"}, ["config.bad  BITBRAT_HTTP_PORT"], id="86-unicode-digits"),
        pytest.param(
            {**MEMORY, "BITBRAT_BUZ": "1"}, ["config.unknown  BITBRAT_BUZ is no setting; did you mean BITBRAT_BUS?"], id="86-unknown"
        ),
        pytest.param(
            {"BITBRAT_BUS": "amqp://a:s3cret@b"}, ["config.bad  BITBRAT_BUS", "config.missing  BITBRAT_STORE"], id="86-all-at-once"
        ),
    ],
)
def test_settings_that_cannot_be_used_exit_78(tmp_path: Path, settings: dict[str, str], codes: list[str]) -> None:
    """All problems in one message, by name, never by value; nothing was started."""
    ran = bitbrat("run", "services.auth", cwd=tmp_path, **settings)

    assert (ran.code, ran.out) == (78, "")
    assert all(code in ran.err for code in codes)
    assert "s3cret" not in ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "there is no module 'nowhere'"),
        ("services.nowhere", "there is no module 'services.nowhere'"),
        ("json", "json holds no Service"),
        ("broken", "a service cannot be imported: SyntaxError"),
        ("services.auth:nothing", "services.auth:nothing holds no Service"),
    ],
)
def test_a_service_that_is_none_exits_78(tmp_path: Path, name: str, says: str) -> None:
    """With a sentence."""
    (tmp_path / "broken.py").write_text("(")

    ran = bitbrat("run", name, cwd=tmp_path, **MEMORY)

    assert (ran.code, four_parts(ran.err)["code"].split()[0]) == (78, "config.bad")
    assert says in ran.err


def test_data_that_cannot_be_had_exit_69(tmp_path: Path) -> None:
    """A supervisor may try again later."""
    (tmp_path / "data.db").mkdir()
    path = "sqlite:///data.db"

    ran = bitbrat("run", *CORE, cwd=tmp_path, BITBRAT_BUS=path, BITBRAT_STORE=path, BITBRAT_HTTP_PORT="0")

    assert (ran.code, four_parts(ran.err)["code"].split()[0]) == (69, "bus.unavailable")
