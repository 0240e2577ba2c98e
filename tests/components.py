"""Which real components a test run has: found ones are used, absent ones skip their tests and say so.

``BITBRAT_TEST_REQUIRE`` names components that must be there (``corpus,nats``; ``all`` for every one): then absence fails.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[1]

Found = TypeVar("Found")


@dataclass(frozen=True)
class Absent:
    """Why a component is not there."""

    reason: str


def required(name: str) -> bool:
    """Whether this run must not go on without the component ``name``."""
    wanted = {part.strip() for part in os.environ.get("BITBRAT_TEST_REQUIRE", "").split(",")}
    return bool(wanted & {"all", name})


def require(name: str, found: Found | Absent) -> Found:
    """What was found. If nothing was, the test (or the whole module) is skipped, or fails where ``name`` is required."""
    if not isinstance(found, Absent):
        return found
    if required(name):
        pytest.fail(f"{name} is required and absent: {found.reason}", pytrace=False)
    pytest.skip(f"{name} is absent: {found.reason}", allow_module_level=True)


def corpus() -> Path | Absent:
    """The folder of recorded data that holds ``twitch/``: ``BITBRAT_CORPUS``, else ``../shared/data`` next to the project."""
    folder = Path(os.environ.get("BITBRAT_CORPUS") or ROOT.parent / "shared" / "data")
    return folder if (folder / "twitch").is_dir() else Absent(f"no folder {folder / 'twitch'}; set BITBRAT_CORPUS")
