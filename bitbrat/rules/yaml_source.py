"""Reads YAML as plain data in which everything knows its line and column.

Only the parser's events are used, so no tag can construct anything. Refused: tags, anchors and aliases, duplicate keys, keys that
are not text, several documents, nesting over 32, scalars over 4,096 characters, more than 60,000 values. Scalars follow YAML 1.2's
core schema; the words that YAML 1.1 takes for booleans (``on off yes no``) must be quoted, because readers disagree about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from bitbrat.rules.problems import Mark, Sink, shown
from bitbrat.rules.yaml_text import check_text

MAX_DEPTH = 32
MAX_NODES = 60_000
MAX_SCALAR = 4096
MAX_NUMBER = 2**53

_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)\Z", re.IGNORECASE)
_WORDS: dict[str, bool | None] = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_OLD_BOOLEANS = frozenset(["on", "off", "yes", "no"])
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Map(dict[str, Any]):
    """A mapping that knows where its keys (``key_marks``) and values (``marks``) stand."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, Mark] = {}
        self.key_marks: dict[str, Mark] = {}


class Seq(list[Any]):
    """A list that knows where its items stand."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[Mark] = []


class _Stop(Exception):
    """The rest of the file cannot be read."""


def read_yaml(source: str | bytes, sink: Sink) -> tuple[Any, Mark] | None:
    """The data of a rules file and where it begins; None after its problems were noted in ``sink``."""
    text = check_text(source, sink)
    if text is None:
        return None
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader), sink).document()
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        sink.add("rules.bad_yaml", _sentence(error), _mark(at))
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        sink.add("rules.bad_yaml", f"cannot be read as YAML: {shown(str(error))}", Mark(1, 1))
    return None


def plain(value: Any) -> Any:
    """``value`` as ordinary dicts and lists, ready to be stored as JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


class _Builder:
    def __init__(self, events: Iterator[Event], sink: Sink) -> None:
        self._events = events
        self._sink = sink
        self._nodes = 0

    def document(self) -> tuple[Any, Mark] | None:
        first = self._skip_to_content()
        if first is None:
            self._bad("the file holds no rules; write [] if that is meant", Mark(1, 1))
            return None
        value = self._node(first, 0)
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                self._bad("there is a second document; one file is one list of rules", _mark(event.start_mark))
                raise _Stop
        return value, _mark(first.start_mark)

    def _skip_to_content(self) -> Event | None:
        for event in self._events:
            if isinstance(event, (ScalarEvent, SequenceStartEvent, MappingStartEvent, AliasEvent)):
                return None if isinstance(event, ScalarEvent) and event.value == "" else event
            if isinstance(event, DocumentEndEvent):
                return None
        return None

    def _node(self, event: Event, depth: int) -> Any:
        mark = _mark(event.start_mark)
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            self._sink.add("rules.unsafe", f"nested deeper than {MAX_DEPTH}, or more than {MAX_NODES} values", mark)
            raise _Stop
        if isinstance(event, AliasEvent):
            self._bad(f"the alias *{event.anchor} is not allowed; write it out", mark)
            return None
        self._refuse_extras(event, mark)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(depth)
        return self._scalar(event, mark) if isinstance(event, ScalarEvent) else None

    def _refuse_extras(self, event: Any, mark: Mark) -> None:
        if event.anchor is not None:
            self._bad(f"the anchor &{event.anchor} is not allowed; write it out", mark)
        if event.tag is not None:
            self._bad(f'{shown(event.tag)} is read as a YAML tag; put the text in quotes, as in "!quest"', mark)

    def _sequence(self, depth: int) -> Seq:
        items = Seq()
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            items.marks.append(_mark(event.start_mark))
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> Map:
        entries = Map()
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            at = _mark(event.start_mark)
            key = self._node(event, depth + 1)
            value_event = next(self._events)
            value = self._node(value_event, depth + 1)
            if isinstance(key, str) and key not in entries:
                entries[key] = value
                entries.marks[key] = _mark(value_event.start_mark)
                entries.key_marks[key] = at
            else:
                self._bad(
                    f"the key {shown(key)} stands twice" if isinstance(key, str) else f"the key {shown(key)} is not text; quote it", at
                )
        return entries

    def _scalar(self, event: ScalarEvent, mark: Mark) -> Any:
        value: str = event.value
        if len(value) > MAX_SCALAR:
            self._sink.add("rules.unsafe", f"a text of {len(value)} characters; the limit is {MAX_SCALAR}", mark)
            return ""
        if _CONTROL.search(value):
            self._bad("a control character or half of a surrogate pair in a text", mark)
            return ""
        return value if event.style else self._word(value, mark)

    def _word(self, value: str, mark: Mark) -> Any:
        if value in _NULLS:
            return None
        if value in _WORDS:
            return _WORDS[value]
        if value.lower() in _OLD_BOOLEANS:
            self._bad(f"{value!r} is a boolean to some readers and a text to others; write true or false, or quote it", mark)
            return value
        if _NOT_FINITE.match(value):
            self._bad(f"{value} is not a finite number", mark)
            return 0
        return self._number(value, mark)

    def _number(self, value: str, mark: Mark) -> Any:
        if _INT.match(value) is None and _FLOAT.match(value) is None:
            return value
        number = float(value)
        if abs(number) > MAX_NUMBER:
            self._sink.add("rules.unsafe", f"the number {shown(value)} is too large; an id must be quoted", mark)
            return 0
        return int(value) if _INT.match(value) else number

    def _bad(self, message: str, mark: Mark) -> None:
        self._sink.add("rules.bad_yaml", message, mark)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return "cannot be read as YAML: " + ", ".join(parts)
