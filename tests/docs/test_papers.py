"""What the papers name exists: pages, settings, error codes, tests, files, metrics."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bitbrat.catalogue import CATALOGUE
from bitbrat.cli import COMMANDS
from bitbrat.config.naming import settings_of
from bitbrat.envelope import Envelope
from bitbrat.telemetry.metrics import Metrics
from tests.docs.made import made
from tests.docs.papers import PAPERS, ROOT, anchors_of, blocks_of, links_of, name_of, text_of

SETTINGS = {setting.name for _, settings in made.settings_classes() for setting in settings_of(settings)}
EXAMPLES = {"BITBRAT_X__", "BITBRAT_QUEST__", "BITBRAT_QUEST__LIMIT", "BITBRAT_QUEST__GOAL", "BITBRAT_SHOP__", "BITBRAT_TEST_REQUIRE"}
"""Of services that a reader writes, and of the tests."""
CODES = re.compile(rf"`((?:{'|'.join(sorted({code.partition('.')[0] for code in CATALOGUE}))})\.[a-z_]+)`")
NOT_CODES = re.compile(r"\.(?:py|md|json|yaml|toml|sh)$|^(?:bus|store|step|config|rules|slip|auth|http)\.(?:py|id)$|^commands\.")

per_paper = pytest.mark.parametrize("paper", PAPERS, ids=name_of)


@per_paper
def test_every_link_leads_somewhere(paper: Path) -> None:
    """A link between papers or to a file resolves, its anchor too."""
    for link in links_of(paper):
        path, _, anchor = link.partition("#")
        target = (paper.parent / path).resolve() if path else paper

        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@per_paper
def test_every_setting_that_a_paper_names_exists(paper: Path) -> None:
    """``BITBRAT_…`` in a paper is a variable that a settings class reads."""
    named = {name.removesuffix("_FILE") for name in re.findall(r"BITBRAT_[A-Z0-9_]+", text_of(paper))}
    groups = {name for name in named if name.endswith("__") and any(known.startswith(name) for known in SETTINGS)}

    assert named - SETTINGS - groups - EXAMPLES == set()


def test_every_setting_is_in_the_reference() -> None:
    """The table of settings leaves none out."""
    text = text_of(ROOT / "docs" / "reference" / "settings.md")

    assert [name for name in sorted(SETTINGS) if f"`{name}`" not in text and f"{name}__" not in text] == []


@per_paper
def test_every_code_that_a_paper_names_is_in_the_catalogue(paper: Path) -> None:
    """An error code in a paper can be explained."""
    named = {code for code in CODES.findall(text_of(paper)) if not NOT_CODES.search(code)}
    named -= {f"envelope.{field}" for field in Envelope.model_fields}

    assert named - set(CATALOGUE) == set()


@per_paper
def test_every_test_and_file_that_a_paper_names_exists(paper: Path) -> None:
    """``tests/x.py::test_y`` and paths into the project are there."""
    text = text_of(paper)
    for path, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text):
        assert (ROOT / path).exists() or "new step" in text, path
        assert not test or f"def {test}(" in text_of(ROOT / path), test
    for path in re.findall(r"`((?:bitbrat|services|tools|envelopes|bench)/[\w./-]+)`", text):
        assert (ROOT / path).exists() or path.startswith("services/shop"), path


@per_paper
def test_every_command_that_a_paper_shows_exists(paper: Path) -> None:
    """Lines that a reader would type name commands of the program."""
    typed = re.findall(r"(?m)^ {4}(?:\$ )?(?:\.venv/bin/)?bitbrat ([a-z]+)", text_of(paper))

    assert set(typed) - set(COMMANDS) == set()


@per_paper
def test_every_metric_that_a_paper_names_is_counted(paper: Path) -> None:
    """A metric in a paper is one that ``/metrics`` shows."""
    shown = Metrics().render().decode()

    for name in re.findall(r"`(bitbrat_[a-z_]+)`", text_of(paper)):
        assert f"# TYPE {name} " in shown, name


def test_the_readme_begins_with_what_a_newcomer_needs() -> None:
    """Within 60 lines: the commands, the greeter, the way of an event, the rooms, links."""
    first = "\n".join(text_of(ROOT / "README.md").splitlines()[:60])

    for part in ("make demo", "make test", "async def greet", "- id: hello", "router", "| `services/` |", "docs/why.md"):
        assert part in first, part


@pytest.mark.parametrize("block", [b for paper in PAPERS for b in blocks_of(paper) if "/" in b.named("file")], ids=str)
def test_what_is_quoted_from_a_file_stands_in_it(block) -> None:
    """A block with ``file=`` is word for word in that file."""
    assert block.text.strip() in (ROOT / block.named("file")).read_text(encoding="utf-8")


def test_nothing_is_described_as_if_it_existed() -> None:
    """What is not built is named in lists of what is not there yet, and nowhere else."""
    absent = re.compile(r"(?i)pub/sub|eventsub")
    allowed = re.compile(r"(?i)not yet|do not exist yet|for several machines|shared chat")
    lines = [
        (paper, line) for paper in PAPERS if "decisions" not in paper.name for line in text_of(paper).split("\n\n") if absent.search(line)
    ]

    assert [f"{name_of(paper)}: {line[:80]}" for paper, line in lines if not allowed.search(line)] == []


def test_the_demo_that_the_readme_shows_is_the_one_that_runs() -> None:
    """Who said what, and the rule that matched, are those of the recorded chat."""
    demo = ROOT / "bitbrat" / "cli" / "demo"
    chat, rules = text_of(demo / "chat.irc"), text_of(demo / "rules.yaml")
    shown = re.findall(r"(?m)^@(\w+): (\S+) +rule (\w+) ", text_of(ROOT / "README.md"))

    assert len(shown) == 4
    for name, said, rule in shown:
        assert re.search(rf"display-name={name};.* :{re.escape(said)}$", chat, re.MULTILINE), said
        assert f"- id: {rule}\n" in rules
