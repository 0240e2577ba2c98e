"""What the contract suites run over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import nats_server, postgres_server
from tests.contract import buses
from tests.contract.stores import STORES, Declaration, Rig


@pytest.fixture(scope="session", autouse=True)
def databases() -> Iterator[None]:
    """What the tests of this process have started ends with them."""
    yield
    postgres_server.stop_all()


@pytest.fixture(params=STORES, ids=lambda one: one.capabilities.name)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """An open store of each kind."""
    declaration: Declaration = request.param
    made = Rig(declaration, tmp_path)
    await made.store.open()
    yield made
    await made.store.close()


@pytest.fixture(scope="session", autouse=True)
def servers() -> Iterator[None]:
    """What the tests of this process share ends with them."""
    yield
    nats_server.stop_all()


@asynccontextmanager
async def _running(declaration: buses.Declaration, path: Path) -> AsyncIterator[buses.BusRig]:
    async with declaration.place(path) as place:
        made = buses.BusRig(declaration, place)
        yield made
        await made.close()


@pytest.fixture(params=buses.BUSES, ids=lambda one: one.id)
async def kind(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[buses.BusRig]:
    """Each kind of bus, with what it needs running."""
    async with _running(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=[one for one in buses.BUSES if one.durable], ids=lambda one: one.id)
async def durable(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[buses.BusRig]:
    """Each kind of bus that outlives its process."""
    async with _running(request.param, tmp_path) as made:
        yield made
