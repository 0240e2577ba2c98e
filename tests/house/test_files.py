"""What no file of this repository holds."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.house.tree import ROOT, files, name_of

# Each with one letter in brackets, so that this file does not hold what it looks for.
HOSTS = re.compile(r"py[p]i\.org|python[h]osted\.org|npm[j]s\.|proxy\.go[l]ang|crates\.[i]o|ruby[g]ems\.org")
HOMES = re.compile(r"(?<![\w.$}~-])/(?:roo[t]|hom[e]/\w+|User[s]/\w+|wor[k])/[\w.-]")
UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|NotImplemented[E]rror)\b")
PATCHED = re.compile(r"\b(?:Magic[M]ock|Async[M]ock|mock\.[p]atch|monkeypatch\.[s]etattr|unittest\.[m]ock)\b")
SLEPT = re.compile(r"\btime\.[s]leep\(")


def holding(pattern: re.Pattern[str], where: tuple[str, ...] = ("",)) -> list[str]:
    """The lines, as ``file:line: text``, in which ``pattern`` is found."""
    return [
        f"{name_of(path)}:{number}: {line.strip()[:120]}"
        for path, text in texts().items()
        if name_of(path).startswith(where) and pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


@cache
def texts() -> dict[Path, str]:
    """Every file's text."""
    return {path: path.read_text(encoding="utf-8", errors="replace") for path in files()}


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the installer's setting."""
    assert holding(HOSTS) == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    """Paths are relative, looked up, or made for the test."""
    assert holding(HOMES) == []


def test_nothing_is_left_unfinished() -> None:
    """What is here works; what is not here is not promised."""
    assert holding(UNFINISHED, ("bitbrat/", "services/", "tests/", "tools/", "bench/", "Makefile")) == []


def test_no_test_patches_anything() -> None:
    """Tests use real components and honest fakes."""
    assert holding(PATCHED, ("tests/", "bitbrat/", "services/")) == []


def test_no_test_sleeps() -> None:
    """Tests wait for what they need, with a deadline."""
    assert holding(SLEPT, ("tests/",)) == []


def test_no_lock_of_the_resolver_is_kept() -> None:
    """It is full of addresses; the two requirements locks hold what is needed of it."""
    assert [name_of(path) for path in files() if path.name == "uv.lock"] == []


@pytest.mark.parametrize("path", [path for path in files() if path.suffix == ".sh" or path.parent.name == ".ci"], ids=name_of)
def test_a_script_stops_at_the_first_error(path: Path) -> None:
    """``set -e`` and no unset variables; ``pipefail`` where the shell has it."""
    text = path.read_text(encoding="utf-8")

    assert "set -euo pipefail\n" in text if "bash" in text.partition("\n")[0] else "set -eu\n" in text


def test_the_top_level_is_the_one_that_was_asked_for() -> None:
    """``bitbrat services tests`` and the project file stand at the root."""
    assert all((ROOT / name).exists() for name in ("bitbrat", "services", "tests", "pyproject.toml", "Makefile", "README.md"))
