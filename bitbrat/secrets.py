"""What must never be shown: the secrets that this process loaded, and what looks like one.

Three nets, because each has holes: by value (what was loaded), by the name of a field, by the look of the text.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Self
from urllib.parse import quote

from pydantic import BaseModel, SecretBytes, SecretStr

MASK = "***"
MIN_LENGTH = 4
"""Shorter values are not searched for: they would turn up in every second word."""

_WORD = r"(?:password|passwd|passphrase|secret|token|credential|cookie|authorization|(?:api|private|master|access)[_-]?key)"
_SECRET_NAME = re.compile(rf"(?i){_WORD}s?\Z|(?:\A|[_.-])(?:pass|oauth)\Z")
_HINTS = (
    "://",
    "pass",
    "secret",
    "token",
    "key",
    "oauth",
    "bearer",
    "basic",
    "credential",
    "cookie",
    "authorization",
    "k_",
    "whsec",
    "eyj",
)
"""Text without any of these holds nothing that the pattern would find; looking for them is far cheaper."""

_PLAIN = re.compile(r"[A-Za-z0-9-]*")
"""An id, a word: every alternative of the pattern needs one character more than these."""

_LOOKS_SECRET = re.compile(
    rf"""(?ix)
    (?P<named>  (?: {_WORD} | (?<![a-z]) pass ) s? ["']? \s* [:=] \s* ["']? (?:(?:bearer|basic|oauth)\s+)? ) [^\s"'&,;}}\])]+
  | (?P<scheme> \b (?:bearer|basic) \s+ ) [A-Za-z0-9._~+/=-]{{6,}}
  | (?P<oauth>  \b oauth: ) [^\s"'&,;]+
  | (?P<key>    \b (?:sk|rk) _ (?:live|test) _ | \b whsec_ ) [A-Za-z0-9+/=_-]+
  | (?P<jwt>    \b eyJ ) [A-Za-z0-9_-]{{4,}} \. [A-Za-z0-9_-]+ \. [A-Za-z0-9_-]*
  | (?P<dsn>    :// [^\s:/@]{{0,128}} : ) \S{{1,512}} (?= @ )
    """
)


def redact(text: str) -> str:
    """``text`` without what looks like a secret: tokens, keys, JSON web tokens, passwords in URLs, values of telling names."""
    if _PLAIN.fullmatch(text):
        return text
    lower = text.lower()
    for hint in _HINTS:
        if hint in lower:
            return _LOOKS_SECRET.sub(_masked, text)
    return text


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret: ``token``, ``clientSecret``, ``api_key``; not ``idempotency_key``."""
    return _SECRET_NAME.search(name) is not None


def _masked(match: re.Match[str]) -> str:
    kept = next((match[name] for name in ("named", "scheme", "oauth", "key", "jwt", "dsn") if match[name] is not None), "")
    return f"{kept}{MASK}"


class Secrets:
    """The secret values of a process. Whatever shows text (logs, problems, dead letters) asks it first."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._longest_first: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Iterable[BaseModel]) -> Self:
        """The secrets of loaded settings."""
        secrets = cls()
        for each in settings:
            secrets.add_settings(each)
        return secrets

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)} values)"

    def add(self, value: str | SecretStr) -> None:
        """Remember a secret, in the spellings in which it could turn up. One of less than 4 characters is not searched for."""
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        if len(plain) < MIN_LENGTH:
            return
        self._values |= {plain, plain.removeprefix("oauth:"), quote(plain, safe=""), b64encode(plain.encode()).decode()}
        self._longest_first = tuple(sorted((value for value in self._values if len(value) >= MIN_LENGTH), key=len, reverse=True))

    def add_settings(self, settings: BaseModel) -> None:
        """Remember every secret in loaded settings, however deep."""
        for secret in _secrets_in(settings):
            self.add(secret)

    def redact(self, text: str) -> str:
        """``text`` without the secrets of this process, and without what looks like one."""
        for value in self._longest_first:
            if value in text:
                text = text.replace(value, MASK)
        return redact(text)

    def redact_field(self, key: str, text: str) -> str:
        """``text`` as the value of a field called ``key``: nothing of it when the name says that it is a secret."""
        return MASK if text and is_secret_name(key) else self.redact(text)


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode("utf-8", "replace")
    elif isinstance(value, BaseModel):
        yield from _secrets_in(dict(value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _secrets_in(item)
