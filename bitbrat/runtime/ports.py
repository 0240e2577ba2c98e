"""A bus and a store by their URLs. Adapters are imported when they are asked for."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from bitbrat.bus import Bus
from bitbrat.config import NatsSettings, parse_bus_url
from bitbrat.config.pg_url import pg_address
from bitbrat.config.urls import parse_store_url
from bitbrat.errors import ConfigError
from bitbrat.store import Store
from bitbrat.world import World


def open_bus(url: str, world: World, *, nats: NatsSettings | None = None, prefix: str = "") -> Bus:
    """The bus at ``memory://``, ``sqlite:///path`` or ``nats://host:port``. Raises ``config.bad``, ``bus.in_use``.

    A NATS bus connects when it is first used, as ``nats`` says; ``prefix`` stands before its topics.
    """
    if url.startswith(("nats:", "tls:")):
        from bitbrat.adapters.nats_bus import NatsBus

        return NatsBus(parse_bus_url(url), world, nats, prefix=prefix)
    if prefix:
        raise ConfigError("config.bad", "BITBRAT_TOPIC_PREFIX is for a NATS bus: this bus has one owner and shares nothing")
    scheme, path = _parts(url, "BITBRAT_BUS")
    if scheme == "memory":
        from bitbrat.adapters.memory_bus import MemoryBus

        return MemoryBus(world)
    from bitbrat.adapters.sqlite_bus import SqliteBus

    return SqliteBus(path, world)


def open_store(url: str, world: World) -> Store:
    """The store at ``memory://``, ``sqlite:///path`` or ``postgresql://…``. Raises ``config.bad``, ``store.in_use``."""
    if url.startswith("postgresql:"):
        from bitbrat.adapters.pg_store import PgStore

        return PgStore(pg_address(parse_store_url(url)))
    scheme, path = _parts(url, "BITBRAT_STORE")
    if scheme == "memory":
        from bitbrat.adapters.memory_store import MemoryStore

        return MemoryStore(world)
    from bitbrat.adapters.sqlite_store import SqliteStore

    return SqliteStore(path, world)


def _parts(url: str, setting: str) -> tuple[str, str]:
    """Scheme and path of a URL whose scheme this version knows."""
    parts = urlsplit(url)
    if parts.scheme == "memory":
        return "memory", ""
    path = unquote(parts.path)
    if parts.scheme != "sqlite" or parts.netloc or len(path) < 2:
        raise ConfigError("config.bad", f"{setting} must be memory:// or sqlite:///path", fix=f"set {setting}=sqlite:///.bitbrat/dev.db")
    # sqlite:///relative and sqlite:////absolute, as SQLAlchemy has it
    return "sqlite", path[1:]
