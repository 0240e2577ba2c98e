"""``postgresql://user:password@host:port/database?pool=16`` as the PostgreSQL store needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from bitbrat.errors import ConfigError

if TYPE_CHECKING:
    from bitbrat.config.urls import Location

TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class PgAddress:
    """Where the database is, and how it is used. ``host`` is a name, an address, or the folder of a Unix socket.

    ``pool``: connections of one process at most. ``statement_timeout``: seconds after which the server ends a statement.
    """

    host: str
    port: int
    user: str
    database: str
    password: str = field(default="", repr=False)
    pool: int = 16
    sslmode: str = "prefer"
    sslrootcert: str = ""
    statement_timeout: float = 30.0

    @property
    def shown(self) -> str:
        """As it may be shown."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/{self.database}"


def pg_address(place: Location) -> PgAddress:
    """What a URL says. Raises ``config.bad`` for an option that is not known, or not so."""
    try:
        pairs = parse_qsl(place.query, keep_blank_values=True, strict_parsing=bool(place.query))
    except ValueError:
        raise _refused("has options that are not of the form name=value&name=value") from None
    options = dict(pairs)
    host = options.pop("host", "") or place.host
    database = place.path[1:]
    if len({name for name, _ in pairs}) != len(pairs):
        raise _refused("has an option twice")
    if not host or not place.user or not database:
        raise _refused("names no host, user or database; it is postgresql://user:password@host:5432/database")
    address = PgAddress(
        host=host,
        port=place.port or 5432,
        user=place.user,
        database=database,
        password=place.password,
        pool=int(_number(options, "pool", 16, 1, 500)),
        sslmode=options.pop("sslmode", "prefer"),
        sslrootcert=options.pop("sslrootcert", ""),
        statement_timeout=_number(options, "statement_timeout", 30, 1, 3600),
    )
    if options:
        raise _refused("has an option that is not one of host, pool, sslmode, sslrootcert, statement_timeout")
    if address.sslmode not in TLS_MODES:
        raise _refused(f"has an sslmode that is not one of {', '.join(TLS_MODES)}")
    return address


def _number(options: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = options.pop(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and least <= int(text) <= most):
        raise _refused(f"has a {name} that is not a whole number from {least} to {most}")
    return int(text)


def _refused(reason: str) -> ConfigError:
    return ConfigError("config.bad", f"the URL {reason}")
