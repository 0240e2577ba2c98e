"""The two locks: names, versions, hashes, and nothing else."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.tree import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"(?m)^([a-z0-9-]+)==([^\s;]+)(?: ; ([^\\]*))? \\$")


def pins(lock: str) -> dict[tuple[str, str], str]:
    """Name and version of each package in ``lock``, with the condition under which it is installed."""
    return {(name, version): (condition or "").strip() for name, version, condition in PIN.findall((ROOT / lock).read_text())}


def asked(*extras: str) -> set[str]:
    """The names of the packages that the project file asks for, with ``extras``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [item for extra in extras for item in project["optional-dependencies"][extra]]
    return {re.split(r"[^\w-]", item)[0].lower().replace("_", "-") for item in wanted}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_no_line_has_an_address(lock: str) -> None:
    """So any package index can serve them, and none can serve something else."""
    lines = (ROOT / lock).read_text().splitlines()

    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==\S+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)] == []
    assert len(pins(lock)) == sum("==" in line and not line.startswith(" ") for line in lines)


def test_what_runs_is_what_is_tested() -> None:
    """The developers' lock holds all that running needs, in the same versions."""
    assert set(pins("requirements.lock")) <= set(pins("requirements-dev.lock"))


@pytest.mark.parametrize(("lock", "extras"), [(LOCKS[0], ("build",)), (LOCKS[1], ("build", "dev"))], ids=LOCKS)
def test_whatever_the_project_asks_for_is_locked(lock: str, extras: tuple[str, ...]) -> None:
    """A new dependency needs ``make lock``."""
    assert asked(*extras) - {name for name, _ in pins(lock)} == set()
