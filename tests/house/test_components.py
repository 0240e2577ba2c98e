"""A component that is absent skips at a desk and fails where it is required."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.components import FINDERS, REQUIRABLE, Absent, find, require, required
from tests.house.tree import ROOT


@pytest.fixture
def demanded(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """What this run requires, as the environment says it."""
    monkeypatch.setenv("BITBRAT_TEST_REQUIRE", request.param)
    return str(request.param)


@pytest.mark.parametrize(
    ("demanded", "name", "expected"),
    [("", "nats", False), ("all", "nats", True), ("all", "obs", False), ("nats, corpus", "corpus", True), ("nats", "corpus", False)],
    indirect=["demanded"],
)
def test_what_is_required_is_what_the_environment_names(demanded: str, name: str, expected: bool) -> None:
    """``all`` is the eight of the list; anything else must be named."""
    assert required(name) is expected


@pytest.mark.parametrize("demanded", [""], indirect=True)
def test_at_a_desk_absence_skips_with_its_reason(demanded: str) -> None:
    """The reason says what to do."""
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        require("a thing made up", Absent("no such thing"))


@pytest.mark.parametrize("demanded", ["a thing made up"], indirect=True)
def test_where_it_is_required_absence_fails(demanded: str) -> None:
    """With the same reason."""
    with pytest.raises(pytest.fail.Exception, match="no such thing"):
        require("a thing made up", Absent("no such thing"))


def test_every_component_that_all_means_can_be_looked_for() -> None:
    """Each has a finder."""
    assert tuple(FINDERS) == REQUIRABLE


def test_a_finder_returns_a_path_or_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With nothing on PATH and nothing named, each says what is missing; none raises."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("BITBRAT_CORPUS", str(tmp_path))
    monkeypatch.setenv("BITBRAT_TEST_TOOLS", str(tmp_path))
    for name in ("POSTGRES_BIN", "PUBSUB_JAR", "NATS_SERVER", "NATS_NEW", "JAVA", "GCLOUD", "TERRAFORM", "PROMETHEUS", "COMPOSE", "DOCKER"):
        monkeypatch.delenv(f"BITBRAT_TEST_{name}", raising=False)

    found = [find(name) for name in FINDERS]

    assert all(isinstance(one, Absent) and one.reason for one in found)


def test_an_old_server_is_not_a_new_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A nats-server of 2.9 is enough for most, and not for what needs 2.10."""
    server = tmp_path / "nats-server"
    server.write_text("#!/bin/sh\necho nats-server: v2.9.10\n")
    server.chmod(0o755)
    monkeypatch.setenv("BITBRAT_TEST_NATS_SERVER", str(server))
    monkeypatch.setenv("BITBRAT_TEST_TOOLS", str(tmp_path))
    monkeypatch.delenv("BITBRAT_TEST_NATS_NEW", raising=False)

    newer = find("nats-new")

    assert find("nats") == server
    assert isinstance(newer, Absent)
    assert "2.10 or newer" in newer.reason


def test_the_ci_script_requires_all_of_them() -> None:
    """Unless somebody asks it for less."""
    assert re.search(r"BITBRAT_TEST_REQUIRE:-all", (ROOT / ".ci" / "run").read_text())
