"""What a rules file may contain as text, before anything reads it as YAML.

Refused with line and column: a byte order mark, bytes that are not UTF-8, NUL and other control characters, tabs, carriage
returns (CRLF line ends too: one spelling of a file, one hash), and more than 1 MiB. Source: ``docs/reference/bad-inputs.md`` row 82.
"""

from __future__ import annotations

import re

from bitbrat.rules.problems import Mark, Sink

MAX_BYTES = 1024 * 1024
MAX_SHOWN = 20

_BAD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NAMES = {
    "\t": "a tab; use spaces, or write \\t in a quoted text",
    "\r": "a carriage return; save the file with LF line ends",
    "\0": "a NUL character",
    "\ufeff": "a byte order mark; save the file as UTF-8 without one",
}


def check_text(source: str | bytes, sink: Sink) -> str | None:
    """The text of a rules file, or None after its problems were noted in ``sink``."""
    if len(source) > MAX_BYTES:
        sink.add("rules.bad_yaml", f"the file is larger than {MAX_BYTES} bytes", Mark(1, 1))
        return None
    text = _decode(source, sink) if isinstance(source, bytes) else source
    if text is None:
        return None
    for found, match in enumerate(_BAD.finditer(text)):
        if found == MAX_SHOWN:
            break
        sink.add("rules.bad_yaml", _name(match.group()), mark_at(text, match.start()))
    return None if sink.failed else text


def mark_at(text: str, index: int) -> Mark:
    """The line and column of the character at ``index``."""
    return Mark(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def _decode(source: bytes, sink: Sink) -> str | None:
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        before = source[: error.start].decode("utf-8", "replace")
        sink.add("rules.bad_yaml", "the file is not UTF-8", mark_at(before, len(before)))
        return None


def _name(character: str) -> str:
    return _NAMES.get(character) or f"the control character U+{ord(character):04X}"
