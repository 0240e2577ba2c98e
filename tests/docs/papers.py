"""The papers as data: their text, their links, their code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAPERS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "envelopes/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "services").glob("*/README.md")),
)

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    """The path as one writes it, relative to the project."""
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, its language, the words behind it (``file=…``, ``test=…``, ``no-run``), its text."""

    paper: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.paper)}:{self.line}"

    def named(self, key: str) -> str:
        """The value of ``key=value`` behind the language, or an empty string."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{key}=")), "")


def text_of(paper: Path) -> str:
    """What stands in a paper."""
    return paper.read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """Every block in one of ``languages``, of every paper."""
    return [block for paper in PAPERS for block in blocks_of(paper) if block.language in languages]


def blocks_of(paper: Path) -> Iterator[Block]:
    """The fenced blocks of one paper."""
    text = text_of(paper)
    for found in _FENCE.finditer(text):
        language, *words = found[1].split() or [""]
        yield Block(paper, text.count("\n", 0, found.start()) + 1, language, tuple(words), found[2])


def prose_of(paper: Path) -> str:
    """A paper without its fenced blocks."""
    return _FENCE.sub("", text_of(paper))


def links_of(paper: Path) -> list[str]:
    """Where a paper's links lead, those to elsewhere left out."""
    return [link for link in _LINK.findall(prose_of(paper)) if "://" not in link]


def anchors_of(paper: Path) -> set[str]:
    """The anchors of a paper's headings, as code hosts make them."""
    headings = _HEADING.findall(prose_of(paper))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
