"""What the contract suites run over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract import buses
from tests.contract.stores import STORES, Declaration, Rig


@pytest.fixture(params=STORES, ids=lambda one: one.capabilities.name)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """An open store of each kind."""
    declaration: Declaration = request.param
    made = Rig(declaration, tmp_path)
    await made.store.open()
    yield made
    await made.store.close()


@asynccontextmanager
async def _running(declaration: buses.Declaration, path: Path) -> AsyncIterator[buses.BusRig]:
    async with declaration.place(path) as place:
        made = buses.BusRig(declaration, place)
        yield made
        await made.close()


@pytest.fixture(params=buses.BUSES, ids=lambda one: one.name)
async def kind(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[buses.BusRig]:
    """Each kind of bus, with what it needs running."""
    async with _running(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=[one for one in buses.BUSES if one.durable], ids=lambda one: one.name)
async def durable(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[buses.BusRig]:
    """Each kind of bus that outlives its process."""
    async with _running(request.param, tmp_path) as made:
        yield made
