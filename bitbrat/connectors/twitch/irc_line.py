"""One line of Twitch chat, taken apart: tags, prefix, command, parameters.

Grammar (RFC 1459 §2.3.1 with IRCv3 message tags)::

    ['@' tags SP] [':' prefix SP] command *(SP middle) [SP ':' trailing]

Nothing here reads a socket or knows what a command means. Lenient where real servers are: runs of spaces count as one,
a last parameter may come without its colon, a command may be anything, bytes that are not UTF-8 become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bitbrat.errors import ConnectorError

_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_MEANING = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_ESCAPES = str.maketrans({";": "\\:", " ": "\\s", "\\": "\\\\", "\r": "\\r", "\n": "\\n"})
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


class IrcError(ConnectorError):
    """A line that is not IRC, or has no end. Code ``irc.malformed`` or ``irc.line_too_long``."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """Who sent the line: ``nick!user@host``, or a bare host. A part that was not there is None."""

    nick: str | None
    user: str | None
    host: str | None


@dataclass(frozen=True, slots=True)
class IrcLine:
    """One parsed line. ``command`` is upper case; a trailing parameter is the last of ``params``, without its colon."""

    tags: Mapping[str, str]
    prefix: Prefix | None
    command: str
    params: tuple[str, ...]

    def tag(self, name: str) -> str:
        """The tag's value, ``""`` when it is missing or empty: Twitch makes no difference."""
        return self.tags.get(name, "")

    @property
    def nick(self) -> str:
        """The sender's login, ``""`` when a server sent the line."""
        return (self.prefix and self.prefix.nick) or ""

    @property
    def channel(self) -> str:
        """The first parameter without its ``#``, ``""`` when that is no channel."""
        return self.params[0][1:] if self.params and self.params[0].startswith("#") else ""

    @property
    def text(self) -> str | None:
        """The second parameter as sent, None when there is none."""
        return self.params[1] if len(self.params) > 1 else None


def parse_line(line: str | bytes) -> IrcLine:
    """A line without its line end, taken apart. Raises :class:`IrcError` (``irc.malformed``), and nothing else."""
    rest = _decode(line).rstrip("\r\n")
    tags, prefix = _NO_TAGS, None
    if rest.startswith("@"):
        raw, rest = _token(rest[1:], "the tags")
        tags = parse_tags(raw)
    if rest.startswith(":"):
        raw, rest = _token(rest[1:], "the prefix")
        prefix = parse_prefix(raw)
    command, _, rest = rest.partition(" ")
    if not command or command.startswith(":"):
        raise IrcError("irc.malformed", "the line has no command")
    return IrcLine(tags, prefix, command.upper(), _params(rest))


def is_blank(line: str | bytes) -> bool:
    """Whether there is nothing on the line but white space. Such lines are skipped, not counted as malformed."""
    return not line.strip()


def parse_tags(raw: str) -> Mapping[str, str]:
    """``a=b;c`` as names and unescaped values. ``c`` and ``c=`` are both ``""``; the last double wins."""
    tags: dict[str, str] = {}
    for pair in raw.split(";"):
        name, _, value = pair.partition("=")
        if name:
            tags[name] = unescape(value)
    return MappingProxyType(tags)


def parse_prefix(raw: str) -> Prefix:
    """``nick!user@host`` or a part of it. Without ``!`` and ``@`` it is a host: Twitch's servers write no bare nicks."""
    who, at, host = raw.partition("@")
    nick, bang, user = who.partition("!")
    if not at and not bang:
        return Prefix(None, None, raw)
    return Prefix(nick, user if bang else None, host if at else None)


def unescape(value: str) -> str:
    r"""A tag's value as it was meant: ``\:`` is ``;``, ``\s`` a space; an unknown escape loses its backslash (IRCv3)."""
    return value if "\\" not in value else _ESCAPED.sub(lambda found: _MEANING.get(found[1], found[1]), value)


def escape(value: str) -> str:
    """A tag's value as it goes over the wire; :func:`unescape` gives it back."""
    return value.translate(_ESCAPES)


def _decode(line: str | bytes) -> str:
    if isinstance(line, bytes):
        return line.decode("utf-8", "replace")
    if line.isascii():
        return line
    return line.encode("utf-8", "surrogatepass").decode("utf-8", "replace")  # half a surrogate pair could not go on the bus


def _token(rest: str, what: str) -> tuple[str, str]:
    token, space, rest = rest.partition(" ")
    if not space:
        raise IrcError("irc.malformed", f"the line ends after {what}")
    return token, rest.lstrip(" ")


def _params(rest: str) -> tuple[str, ...]:
    head, colon, trailing = f" {rest}".partition(" :")
    middles = [param for param in head.split(" ") if param]
    return (*middles, trailing) if colon else tuple(middles)
