"""Pages that are made from the code are what the code says, and the rules reference leaves nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bitbrat.rules import TEMPLATE_VARIABLES, VARIABLES
from bitbrat.rules.compile import KNOWN
from bitbrat.rules.shorthand import KEYS
from tests.docs.made import made
from tests.docs.papers import ROOT, name_of, text_of

RULES = ROOT / "docs" / "reference" / "rules.md"


@pytest.mark.parametrize(("path", "text"), made.pages().items(), ids=lambda value: name_of(value) if isinstance(value, Path) else "")
def test_a_made_page_is_what_the_code_says(path: Path, text: str) -> None:
    """Run ``make docs`` when this fails."""
    assert path.read_text(encoding="utf-8") == text


def table_under(heading: str) -> set[str]:
    """What stands in backticks in the first column of the table below ``heading``."""
    section = re.split(r"(?m)^## ", text_of(RULES).partition(f"## {heading}\n")[2])[0]
    cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_keys_of_match_are_all_told() -> None:
    """Every key under ``match``, and no other."""
    assert table_under("Keys under `match`") == set(KEYS)


def test_the_operators_are_all_told() -> None:
    """Every operator, and no other."""
    assert table_under("Operators of `when`") == set(KNOWN)


def test_the_variables_are_all_told() -> None:
    """Every variable, and no other."""
    assert table_under("Variables") == set(VARIABLES)


def test_the_variables_of_templates_are_all_told() -> None:
    """Every variable of a template, and no other."""
    told = {name.strip("{}") for name in table_under("Templates")}

    assert told - {"1", "9", "payload.…", "random:a\\|b\\|c"} == set(TEMPLATE_VARIABLES)
