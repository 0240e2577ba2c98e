"""URLs of buses and stores, taken apart and refused without ever being shown: there may be a password in them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from bitbrat.config.pg_url import pg_address
from bitbrat.errors import ConfigError

BUS_SCHEMES = ("memory", "sqlite", "nats", "tls")
STORE_SCHEMES = ("memory", "sqlite", "postgresql")

_PARTS = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f]")
_USERINFO = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)([^:/?#@\s]*)(:?)(\S*)@")
_SECRET_QUERY = re.compile(r"(?i)([?&][^=&#\s]*(?:password|secret|token|key)[^=&#\s]*=)[^&#\s]*")


@dataclass(frozen=True)
class Location:
    """Where a bus or a store is. ``path`` is a file for ``sqlite``, a database or nothing for others; decoded, all of it."""

    scheme: str
    path: str = ""
    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    query: str = field(default="", repr=False)


def redact_url(url: str) -> str:
    """``url`` as it may be shown: without password, without a token in place of the user, without secrets in the query."""
    return _SECRET_QUERY.sub(r"\1***", _USERINFO.sub(lambda m: f"{m[1]}{m[2]}:***@" if m[3] else f"{m[1]}***@", url))


def parse_dsn(text: str) -> Location:
    """The parts of ``scheme://user:password@host:port/path``. Raises ``config.bad``, which never quotes ``text``."""
    if _UNPRINTABLE.search(text):
        raise _bad("has a space or a control character in it")
    if _BAD_PERCENT.search(text):
        raise _bad("has a % that does not begin a percent-encoded character; write % as %25")
    match = _PARTS.fullmatch(text)
    if match is None:
        raise _bad("is not of the form scheme://…")
    scheme, authority, path, query, fragment = (part or "" for part in match.groups())
    userinfo, at, host = authority.rpartition("@")
    if fragment or "@" in path + query or "@" in userinfo or userinfo.count(":") > 1:
        raise _unencoded()
    place = _HOST.fullmatch(host)
    if place is None or int(place["port"] or 0) > 65535:
        raise _bad("has a port that is not a number up to 65535") if at else _unencoded()
    user, _, password = userinfo.partition(":")
    return Location(
        scheme=scheme,
        path=_decoded(path),
        host=_decoded(place["host"]),
        port=int(place["port"]) if place["port"] else None,
        user=_decoded(user),
        password=_decoded(password),
        query=query[1:],
    )


def parse_bus_url(text: str) -> Location:
    """Where the bus is: ``memory://``, ``sqlite:///path``, or ``nats://host:port`` (``tls://`` always encrypts). Raises ``config.bad``."""
    return _supported(text, BUS_SCHEMES)


def parse_store_url(text: str) -> Location:
    """Where the store is: ``memory://``, ``sqlite:///path`` or ``postgresql://…``. Raises ``config.bad``."""
    place = _supported(text, STORE_SCHEMES)
    if place.scheme == "postgresql":
        pg_address(place)
    return place


def _supported(text: str, schemes: Collection[str]) -> Location:
    place = parse_dsn(text)
    if place.scheme not in schemes:
        raise _bad(f"has a scheme that is not supported; use one of {', '.join(f'{name}://' for name in schemes)}")
    if place.scheme == "memory" and place != Location("memory"):
        raise _bad("says more than memory://, which takes nothing else")
    if place.scheme in ("nats", "tls") and (not place.host or place.path not in ("", "/") or place.query):
        raise _bad("names no host, or more than one server: a NATS bus is nats://host:port")
    return _file(place) if place.scheme == "sqlite" else place


def _file(place: Location) -> Location:
    """One slash belongs to the URL: ``sqlite:///a.db`` is the file ``a.db`` here, ``sqlite:////a.db`` is ``/a.db``."""
    if place.host or place.query:
        raise _bad("names a host or options; a SQLite file is sqlite:///relative/path or sqlite:////absolute/path")
    path = place.path[1:]
    if not path or path.endswith("/") or path == ":memory:":
        raise _bad("names no file; for one that is forgotten use memory://")
    return Location("sqlite", path)


def _decoded(text: str) -> str:
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("has a percent-encoded part that is not UTF-8") from None
    if "\x00" in decoded:
        raise _bad("has a NUL in it")
    return decoded


def _bad(reason: str) -> ConfigError:
    return ConfigError("config.bad", f"the URL {reason}")


def _unencoded() -> ConfigError:
    return _bad("is ambiguous; in a user name or password write @ as %40, : as %3A, / as %2F, ? as %3F and # as %23")
