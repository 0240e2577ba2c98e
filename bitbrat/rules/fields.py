"""Reads the small parts of a rule: texts, numbers, flags, durations, and lists of them, with a sentence for what is wrong."""

from __future__ import annotations

import re
from typing import Any

from bitbrat.rules.durations import parse_duration
from bitbrat.rules.problems import Mark, Sink, shown, suggest
from bitbrat.rules.yaml_source import Map, Seq

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Fields:
    """One mapping of a rules file, asked for its keys; what nobody asked for is a problem (:meth:`done`)."""

    def __init__(self, entries: Map, sink: Sink, where: str = "") -> None:
        self._entries = entries
        self._sink = sink
        self._where = f"{where}: " if where else ""
        self._asked: set[str] = set()

    def get(self, key: str) -> Any:
        """The value of ``key`` as it stands there, or None."""
        self._asked.add(key)
        return self._entries.get(key)

    def mark(self, key: str) -> Mark:
        """Where the value of ``key`` stands."""
        return self._entries.marks.get(key, Mark(1, 1))

    def bad(self, key: str, message: str) -> None:
        """Note what is wrong with the value of ``key``."""
        self._sink.add("rules.bad_rule", f"{self._where}{key}: {message}", self.mark(key))

    def text(self, key: str, default: str = "", *, limit: int = 2000) -> str:
        """A text of at most ``limit`` characters."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > limit:
            self.bad(key, f"{shown(value)} is not a text of at most {limit} characters; put it in quotes")
            return default
        return value

    def word(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """One of ``choices``."""
        value = self.get(key)
        if value is None:
            return default
        if value not in choices:
            self.bad(key, f"{shown(value)} is not one of {', '.join(choices)}{suggest(str(value), choices)}")
            return default
        return str(value)

    def flag(self, key: str, default: bool | None) -> bool | None:
        """``true`` or ``false``."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self.bad(key, f"{shown(value)} is neither true nor false")
            return default
        return default if value is None else value

    def integer(self, key: str, default: int | None, low: int, high: int) -> int | None:
        """A whole number from ``low`` to ``high``."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.bad(key, f"{shown(value)} is not a whole number from {low} to {high}")
            return default
        return value

    def seconds(self, key: str) -> float | None:
        """A duration, in seconds."""
        value = self.get(key)
        if value is None:
            return None
        try:
            return parse_duration(value)
        except ValueError as error:
            self.bad(key, str(error))
            return None

    def items(self, key: str, limit: int) -> list[tuple[Any, Mark]]:
        """One value or a list of at most ``limit``, each with its place."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, Seq):
            return [(value, self.mark(key))]
        if len(value) > limit:
            self.bad(key, f"{len(value)} entries; the limit is {limit}")
        return list(zip(value[:limit], value.marks[:limit], strict=True))

    def texts(self, key: str, limit: int) -> tuple[str, ...]:
        """One text or a list of texts."""
        found = self.items(key, limit)
        for value, mark in found:
            if not isinstance(value, str):
                self._sink.add("rules.bad_rule", f"{self._where}{key}: {shown(value)} is not a text; put it in quotes", mark)
        return tuple(value for value, _ in found if isinstance(value, str))

    def done(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._entries:
            if key not in self._asked:
                message = f"{self._where}there is no key {shown(key)}{suggest(key, self._asked)}"
                self._sink.add("rules.unknown_key", message, self._entries.key_marks[key])
