"""What a durable store has committed is there after a restart, and what ran then is nobody's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bitbrat.store import Hop
from tests.contract.stores import STORES, Declaration, Rig, final, message

HOP = Hop("greeter", "e1:0")


@pytest.fixture(params=[one for one in STORES if one.capabilities.durable], ids=lambda one: one.capabilities.name)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """An open store of each durable kind."""
    declaration: Declaration = request.param
    made = Rig(declaration, tmp_path)
    await made.store.open()
    yield made
    await made.store.close()


async def test_everything_survives_a_restart(rig: Rig) -> None:
    """Decisions, outbox, documents and final records."""
    record = final("envelope-1", "failed", detail={"a": [1]})
    await rig.claim(HOP)
    await rig.store.commit(HOP, "done", [message("a"), message("b", rig.at(60)), message("c")], owner="me")
    await rig.store.mark_sent(["c"])
    await rig.store.put("c", "k", {"n": 1})
    async with rig.store.transaction() as tx:
        await tx.record(record)
        await tx.put("c", "k", {"n": 2})
    before = await rig.store.counts()

    await rig.restart()

    claim = await rig.claim(HOP)
    assert (claim.state, [row.wire_id for row in claim.outbox]) == ("done", ["a", "b"])
    document = await rig.store.get("c", "k")
    assert document is not None
    assert (document.value, document.version) == ({"n": 2}, 2)
    assert await rig.store.final("envelope-1") == record
    assert await rig.store.counts() == before


def only_process(rig: Rig) -> None:
    """Where several processes share a store, a lease may be another one's: it is waited for."""
    if rig.declaration.capabilities.shared:
        pytest.skip("another process may hold the lease")


async def test_after_a_restart_a_running_hop_is_taken_over_at_once(rig: Rig) -> None:
    """The only process that could hold a lease is gone: nobody waits for it, and the start stays counted."""
    only_process(rig)
    await rig.claim(HOP, "dead")

    await rig.restart()

    claim = await rig.claim(HOP, "next")
    assert (claim.state, claim.starts) == ("run", 2)
    assert not await rig.store.commit(HOP, "done", (), owner="dead")


async def test_after_a_restart_a_cut_off_call_is_unknown_at_once(rig: Rig) -> None:
    """It is not repeated."""
    only_process(rig)
    await rig.claim(HOP, "dead", intent=True)

    await rig.restart()

    assert (await rig.claim(HOP, "next", intent=True)).state == "unknown"
