"""What the papers tell a reader to type exists."""

from __future__ import annotations

import re

import pytest

from bitbrat.cli import cli
from tests.house.tree import ROOT, files, name_of

PAPERS = [path for path in files() if path.suffix == ".md"]
TARGETS = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_every_make_target_that_a_paper_names_exists(paper: object) -> None:
    """``make demo`` in a paper is a target of the Makefile."""
    text = paper.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:`|^|\$ )make ([a-z]+)", text, re.MULTILINE))

    assert named - TARGETS == set()


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_every_command_that_a_paper_names_exists(paper: object) -> None:
    """``bitbrat say`` in a paper is a command of the program."""
    text = paper.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:`|^|\$ |bin/)bitbrat ([a-z]+)", text, re.MULTILINE))

    assert named - set(cli.list_commands(None)) == set()  # type: ignore[arg-type]


def test_help_lists_every_target() -> None:
    """``make help`` has a line for each target that a person would type."""
    text = (ROOT / "Makefile").read_text()
    told = set(re.findall(r"(?m)^([a-z]+):.*## ", text))

    assert told == TARGETS


def test_contributing_is_short() -> None:
    """At most 80 lines: it is read before the first change."""
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 80
