"""What the client says and counts while it works."""

from __future__ import annotations

from collections import Counter
from typing import Literal, Protocol

Level = Literal["debug", "info", "warning", "error"]


class Logger(Protocol):
    """A structured logger: an event's name, then fields. structlog's loggers are."""

    def debug(self, event: str, **fields: object) -> object:
        """Of use while looking for a fault."""
        ...

    def info(self, event: str, **fields: object) -> object:
        """The normal course."""
        ...

    def warning(self, event: str, **fields: object) -> object:
        """Something to look at."""
        ...

    def error(self, event: str, **fields: object) -> object:
        """Something failed."""
        ...


class IrcLog:
    """Counts every event, and writes it where there is a logger. Neither tokens nor messages go through here."""

    def __init__(self, logger: Logger | None) -> None:
        self._logger = logger
        self.counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """Count without writing."""
        self.counts[name] += 1

    def say(self, level: Level, code: str, detail: str = "") -> None:
        """Count ``code`` and write it."""
        self.counts[code] += 1
        if self._logger:
            getattr(self._logger, level)(code, code=code, detail=detail)
