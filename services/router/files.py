"""The rules' files: which there are, what is in them, and whether they have changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bitbrat.errors import Problem, RulesError

SUFFIXES = (".yaml", ".yml")
MAX_FILE = 1024 * 1024

Stamp = tuple[tuple[str, int, int, int], ...]


def read(rules: str, *, optional: bool) -> tuple[Stamp, dict[str, bytes]]:
    """The state and the contents of all files below ``rules`` (paths separated by commas), by the name to report problems under.

    ``optional``: a place that is not there has no rules. Raises :class:`RulesError` with a problem for each place or file that
    cannot be read.
    """
    problems: list[Problem] = []
    files: dict[str, bytes] = {}
    stamps = []
    for place in places(rules):
        try:
            for path in _below(place, optional):
                stamps.append(_stamp(path))
                files[str(path)] = _bytes(path)
        except (OSError, RuntimeError) as error:
            problems.append(_unreadable(place, error))
    if problems:
        raise RulesError(problems)
    return tuple(stamps), files


def stamp(rules: str, *, optional: bool) -> Stamp | None:
    """The state of the files by name, time, size and inode; None when one cannot be looked at."""
    try:
        return tuple(_stamp(path) for place in places(rules) for path in _below(place, optional))
    except (OSError, RuntimeError):
        return None


def places(rules: str) -> list[Path]:
    """The files and folders that the setting names."""
    return [Path(part.strip()) for part in rules.split(",") if part.strip()]


def _below(place: Path, optional: bool) -> Iterator[Path]:
    """The rules files of a place, by name. Raises ``OSError`` for one that is not there."""
    if optional and not place.exists() and not place.is_symlink():
        return
    if place.is_dir():
        yield from sorted(path for path in place.iterdir() if path.suffix in SUFFIXES and not path.name.startswith("."))
    else:
        place.stat()
        yield place


def _bytes(path: Path) -> bytes:
    """At most one byte more than a rules file may have, so that a huge one is refused and not read."""
    with path.open("rb") as file:
        return file.read(MAX_FILE + 1)


def _stamp(path: Path) -> tuple[str, int, int, int]:
    found = path.stat()
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino


def _unreadable(place: Path, error: OSError | RuntimeError) -> Problem:
    name = str(getattr(error, "filename", None) or place)
    return Problem("rules.unreadable", f"cannot be read: {getattr(error, 'strerror', None) or error}", name)
