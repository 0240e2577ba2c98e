"""Which real components a test run has: found ones are used, absent ones skip their tests and say so.

``BITBRAT_TEST_REQUIRE`` names components that must be there (``corpus,nats``; ``all`` for every one of ``REQUIRABLE``): then
absence fails. A component that no test asks for fails nothing. No test uses a server that happens to listen somewhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[1]
REQUIRABLE = ("corpus", "nats", "nats-new", "postgres", "pubsub", "prometheus", "terraform", "compose")

Found = TypeVar("Found")

used: set[str] = set()
"""``component`` and the test that asked for it, as ``component|test``; what ``conftest`` counts at the end."""

absent: dict[str, str] = {}
"""Why each component that a test asked for was not there."""


@dataclass(frozen=True)
class Absent:
    """Why a component is not there."""

    reason: str


def required(name: str) -> bool:
    """Whether this run must not go on without the component ``name``."""
    wanted = {part.strip() for part in os.environ.get("BITBRAT_TEST_REQUIRE", "").split(",")}
    return name in wanted or ("all" in wanted and name in REQUIRABLE)


def require(name: str, found: Found | Absent) -> Found:
    """What was found. If nothing was, the test (or the whole module) is skipped, or fails where ``name`` is required."""
    if not isinstance(found, Absent):
        used.add(f"{name}|{asker()}")
        return found
    absent[name] = found.reason
    if required(name):
        pytest.fail(f"{name} is required and absent: {found.reason}", pytrace=False)
    pytest.skip(f"{name} is absent: {found.reason}", allow_module_level=True)


def asker() -> str:
    """The test that asks, or the file that asks while it is being collected, relative to the project."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    return test or os.path.relpath(sys._getframe(2).f_code.co_filename, ROOT)


def find(name: str) -> Path | Absent:
    """Where the component ``name`` is, or why it is not there; for the names of ``FINDERS``."""
    return FINDERS[name]()


def corpus() -> Path | Absent:
    """The folder of recorded data that holds ``twitch/``: ``BITBRAT_CORPUS``, else ``../shared/data`` next to the project."""
    folder = Path(os.environ.get("BITBRAT_CORPUS") or ROOT.parent / "shared" / "data")
    return folder if (folder / "twitch").is_dir() else Absent(f"no folder {folder / 'twitch'}; set BITBRAT_CORPUS")


def program(name: str, variable: str) -> Path | Absent:
    """A program: the one that ``variable`` names, else ``name`` on PATH."""
    asked = os.environ.get(variable)
    where = shutil.which(asked or name)
    return Path(where) if where else Absent(f"{asked or name} is not a program here; install it or set {variable}")


def nats(*, variable: str = "BITBRAT_TEST_NATS_SERVER", floor: tuple[int, int] = (2, 9)) -> Path | Absent:
    """A ``nats-server`` of version ``floor`` or newer."""
    server = program("nats-server", variable)
    if isinstance(server, Absent):
        return server
    says = output(server, "--version")
    version = re.search(r"v(\d+)\.(\d+)", says)
    if version and (int(version[1]), int(version[2])) >= floor:
        return server
    return Absent(f"{server} says {says or 'nothing'}, needed is {floor[0]}.{floor[1]} or newer; set {variable}")


def nats_new() -> Path | Absent:
    """A ``nats-server`` of 2.10 or newer: named, or fetched by ``make tools``, or the usual one."""
    named = "BITBRAT_TEST_NATS_NEW"
    fetched = Path(os.environ.get("BITBRAT_TEST_TOOLS") or ROOT / ".tools") / "nats-new" / "usr" / "sbin" / "nats-server"
    if named not in os.environ and fetched.is_file():
        return fetched
    return nats(variable=named if named in os.environ else "BITBRAT_TEST_NATS_SERVER", floor=(2, 10))


def postgres() -> Path | Absent:
    """The folder of PostgreSQL's own programs, ``initdb`` among them: they are not on PATH everywhere."""
    tool = shutil.which("pg_config")
    places = [os.environ.get("BITBRAT_TEST_POSTGRES_BIN", "")]
    if initdb := shutil.which("initdb"):
        places.append(str(Path(initdb).resolve().parent))
    if tool:
        places.append(output(Path(tool), "--bindir"))
    found = [Path(place) for place in places if place and (Path(place) / "initdb").exists()]
    return found[0] if found else Absent("no initdb; install postgresql or set BITBRAT_TEST_POSTGRES_BIN")


def pubsub() -> Path | Absent:
    """The jar of Google's Pub/Sub emulator, for ``java -jar``: the wrapper around it leaves the Java child behind."""
    if isinstance(java := program("java", "BITBRAT_TEST_JAVA"), Absent):
        return java
    if named := os.environ.get("BITBRAT_TEST_PUBSUB_JAR"):
        return Path(named) if Path(named).is_file() else Absent(f"BITBRAT_TEST_PUBSUB_JAR={named} is not a file")
    if isinstance(gcloud := program("gcloud", "BITBRAT_TEST_GCLOUD"), Absent):
        return gcloud
    sdk = Path(output(gcloud, "info", "--format=value(installation.sdk_root)") or "/nowhere")
    jars = sorted(sdk.glob("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"))
    return jars[-1] if jars else Absent("the Cloud SDK has no pubsub-emulator; set BITBRAT_TEST_PUBSUB_JAR")


def compose() -> Path | Absent:
    """Docker's compose, version 2: as the plugin's own program, or as ``docker`` with the plugin."""
    own = program("docker-compose", "BITBRAT_TEST_COMPOSE")
    if isinstance(own, Path) and re.search(r"\bv?[2-9]\.\d", output(own, "version", "--short")):
        return own
    docker = program("docker", "BITBRAT_TEST_DOCKER")
    if isinstance(docker, Path) and re.match(r"v?[2-9]\.", output(docker, "compose", "version", "--short")):
        return docker
    return Absent("no docker compose 2.x; install the plugin or set BITBRAT_TEST_COMPOSE")


def prometheus() -> Path | Absent:
    """Prometheus, for what it says of our metrics and alerts."""
    return program("prometheus", "BITBRAT_TEST_PROMETHEUS")


def terraform() -> Path | Absent:
    """Terraform."""
    return program("terraform", "BITBRAT_TEST_TERRAFORM")


def output(tool: Path, *arguments: str) -> str:
    """The first line that ``tool`` prints; empty when it fails."""
    try:
        said = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.strip().partition("\n")[0]


FINDERS: dict[str, Callable[[], Path | Absent]] = {
    "corpus": corpus,
    "nats": nats,
    "nats-new": nats_new,
    "postgres": postgres,
    "pubsub": pubsub,
    "prometheus": prometheus,
    "terraform": terraform,
    "compose": compose,
}
