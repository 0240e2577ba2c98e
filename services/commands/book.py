"""The commands of a process: read once, and again when the file changes; a bad file leaves the old ones in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from bitbrat.context import Log
from bitbrat.errors import Problem, RulesError
from services.commands.reader import Command, read_commands
from services.commands.settings import CommandsSettings

BUILTIN = Path(__file__).with_name("builtin.yaml")
LOOK_AGAIN = 1.0
"""Seconds between two looks at the file."""

Book = Mapping[str, Command]
Stamp = tuple[tuple[int, int, int], ...]


class CommandsState:
    """``since`` is when this process began to answer; ``problems`` are those of the file as it is now."""

    def __init__(self) -> None:
        self.since: datetime | None = None
        self.problems: tuple[Problem, ...] = ()
        self._book: Book = {}
        self._stamp: Stamp | None = None
        self._looked: datetime | None = None

    @property
    def trouble(self) -> str:
        """What an operator should know about the file, or nothing."""
        return f"the file was refused, older commands are in force: {self.problems[0]}" if self.problems else ""

    @property
    def health(self) -> dict[str, str]:
        """A line for the health page."""
        return {"commands": self.trouble or f"{len(set(self._book.values()))} commands"}

    def book(self, settings: CommandsSettings, *, now: datetime, log: Log) -> Book:
        """The commands in force at ``now``."""
        self.since = self.since or now
        if self._looked is None or abs((now - self._looked).total_seconds()) >= LOOK_AGAIN:
            self._looked = now
            self._look(settings, log)
        return self._book

    def _look(self, settings: CommandsSettings, log: Log) -> None:
        paths = ([BUILTIN] if settings.builtin else []) + ([Path(settings.path)] if settings.path else [])
        try:
            stamp = tuple(_stamp(path) for path in paths)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._book = read_commands({path.name: path.read_bytes() for path in paths})
            self.problems = ()
        except OSError as error:
            self._stamp = None
            self._refused((Problem("rules.unreadable", f"the commands file cannot be read: {error.strerror}", settings.path),), log)
        except RulesError as error:
            self._refused(error.problems, log)

    def _refused(self, problems: tuple[Problem, ...], log: Log) -> None:
        if problems != self.problems:
            for problem in problems:
                log.error("commands.refused", code=problem.code, problem=str(problem))
        self.problems = problems


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
