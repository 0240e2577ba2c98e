"""The rooms of the house look down only, and know only what they need. The floors themselves are in ``pyproject.toml``."""

from __future__ import annotations

import pytest

from tests.house.tree import imports, is_in, modules

PURE = ("catalogue", "errors", "topics", "envelope", "codec", "outcome", "slip", "replay", "rules", "records")
WORLDLY = (
    "asyncio",
    "logging",
    "structlog",
    "time",
    "datetime.datetime.now",
    "socket",
    "ssl",
    "select",
    "threading",
    "random",
    "uuid.uuid4",
)
NETWORK = ("aiohttp", "http", "urllib.request", "smtplib", "subprocess")
NAMES_ADAPTERS = ("bitbrat.adapters", "bitbrat.runtime", "bitbrat.sim")
OWN_ADAPTER = {
    "sqlalchemy": "bitbrat.adapters.sql_",
    "asyncpg": "bitbrat.adapters.pg_",
    "greenlet": "bitbrat.adapters.pg_",
    "sqlite3": "bitbrat.adapters.sqlite_",
    "aiosqlite": "bitbrat.adapters.sqlite_",
    "nats": "bitbrat.adapters.nats_",
    "google": "bitbrat.adapters.pubsub_",
}


@pytest.mark.parametrize("module", [name for name in modules() if is_in(name, *(f"bitbrat.{room}" for room in PURE))])
def test_below_the_bus_there_is_no_loop_no_clock_no_network_no_logging(module: str) -> None:
    """What decides is pure: it can be run a million times in a test, and twice with the same end."""
    assert [name for name in imports(module) if is_in(name, *WORLDLY, *NETWORK)] == []


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_driver_is_imported_by_its_adapter_only(module: str) -> None:
    """Whoever else wants a database or a broker goes through the port."""
    strangers = [
        name for name in imports(module) for driver, home in OWN_ADAPTER.items() if is_in(name, driver) and not module.startswith(home)
    ]

    assert strangers == []


@pytest.mark.parametrize("module", [name for name in modules() if not is_in(name, *NAMES_ADAPTERS)])
def test_only_the_runtime_names_a_concrete_adapter(module: str) -> None:
    """Everybody else is handed a bus and a store; the simulation makes its own, of the same parts."""
    assert [name for name in imports(module) if is_in(name, "bitbrat.adapters")] == []


@pytest.mark.parametrize("module", [name for name in modules() if is_in(name, "services") and name != "services"])
def test_a_service_knows_no_sibling(module: str) -> None:
    """Services meet on the bus, nowhere else."""
    own = ".".join(module.split(".")[:2])

    assert [name for name in imports(module) if is_in(name, "services") and not is_in(name, own)] == []


@pytest.mark.parametrize("module", [name for name in modules() if is_in(name, "bitbrat") and not is_in(name, "bitbrat.sim")])
def test_the_framework_imports_no_service(module: str) -> None:
    """It finds them by the names it is given."""
    assert [name for name in imports(module) if is_in(name, "services")] == []
