"""What the contract suites run over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.stores import STORES, Declaration, Rig


@pytest.fixture(params=STORES, ids=lambda one: one.capabilities.name)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """An open store of each kind."""
    declaration: Declaration = request.param
    made = Rig(declaration, tmp_path)
    await made.store.open()
    yield made
    await made.store.close()
