"""Every store claims, decides and takes over hops as ``bitbrat.store`` promises.

The rest of the suite: ``test_store_outbox``, ``test_store_transactions``, ``test_store_documents``, ``test_store_finals``,
``test_store_durable``, ``test_store_model``.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bitbrat.errors import StoreError
from bitbrat.store import Hop, Write
from tests.contract.stores import LEASE, MAX_STARTS, Rig, message

HOP = Hop("greeter", "e1:0")
AGAIN = Hop("greeter", "e1:0", attempt=1)


async def test_it_says_what_it_can_do(rig: Rig) -> None:
    """What a store says of itself is what it was declared to be."""
    assert rig.store.capabilities == rig.declaration.capabilities


async def test_a_new_hop_runs(rig: Rig) -> None:
    """Who comes first executes the hop, and the start is counted."""
    claim = await rig.claim(HOP)

    assert (claim.state, claim.starts, claim.outbox) == ("run", 1, ())


async def test_one_group_does_not_stand_in_the_way_of_another(rig: Rig) -> None:
    """The same hop id is a hop of its own in each group."""
    await rig.claim(HOP)

    assert (await rig.claim(Hop("finalizer", HOP.id))).state == "run"


async def test_a_running_hop_is_left_alone_while_its_lease_holds(rig: Rig) -> None:
    """A second delivery learns how long to wait, whoever asks."""
    await rig.claim(HOP)
    await rig.let_pass(10)

    for owner in ("me", "other"):
        claim = await rig.claim(HOP, owner)
        assert (claim.state, claim.starts) == ("running", 1)
        assert claim.wait == pytest.approx(LEASE - 10)


async def test_sixteen_claims_at_once_give_one_owner(rig: Rig) -> None:
    """Only one of sixteen deliveries of one hop executes it."""
    claims = await asyncio.gather(*(rig.claim(HOP, f"owner{number}") for number in range(16)))

    assert sorted(claim.state for claim in claims) == ["run"] + ["running"] * 15


async def test_a_hop_is_taken_over_after_its_lease(rig: Rig) -> None:
    """What a dead owner left is run by the next, as one more start."""
    await rig.claim(HOP, "dead")
    await rig.let_pass(LEASE)

    claim = await rig.claim(HOP, "next")

    assert (claim.state, claim.starts) == ("run", 2)


async def test_a_heartbeat_holds_the_claim(rig: Rig) -> None:
    """The lease counts from the last heartbeat."""
    await rig.claim(HOP)
    await rig.let_pass(LEASE - 1)
    assert await rig.store.heartbeat(HOP, owner="me", lease=LEASE)
    await rig.let_pass(LEASE - 1)

    assert (await rig.claim(HOP, "other")).state == "running"


async def test_a_lost_claim_cannot_be_held(rig: Rig) -> None:
    """A heartbeat says when the hop is somebody else's, decided, or nobody's."""
    assert not await rig.store.heartbeat(HOP, owner="me", lease=LEASE)
    await rig.claim(HOP, "me")
    await rig.let_pass(LEASE)
    await rig.claim(HOP, "other")
    assert not await rig.store.heartbeat(HOP, owner="me", lease=LEASE)
    await rig.store.commit(HOP, "done", (), owner="other")
    assert not await rig.store.heartbeat(HOP, owner="other", lease=LEASE)


async def test_the_commit_of_a_lost_owner_writes_nothing(rig: Rig) -> None:
    """Neither outbox nor documents nor the decision of who has lost the claim count."""
    await rig.claim(HOP, "late")
    await rig.let_pass(LEASE)
    await rig.claim(HOP, "next")

    assert not await rig.store.commit(HOP, "done", [message("late")], owner="late", writes=[Write("notes", "a", 1)])
    assert await rig.unsent() == []
    assert await rig.store.get("notes", "a") is None
    assert (await rig.claim(HOP, "third")).state == "running"


async def test_an_owner_that_nobody_replaced_may_still_commit(rig: Rig) -> None:
    """A lease that is over does no harm as long as nobody took the hop."""
    await rig.claim(HOP)
    await rig.let_pass(LEASE * 2)

    assert await rig.store.commit(HOP, "done", (), owner="me")


async def test_a_commit_writes_everything_together(rig: Rig) -> None:
    """The decision, the outbox and the documents are there together."""
    await rig.claim(HOP)
    await rig.store.put("notes", "old", 1)
    writes = [Write("notes", "a", {"n": 1}), Write("notes", "old", delete=True)]

    assert await rig.store.commit(HOP, "done", [message("e1:1:0")], owner="me", writes=writes)
    assert (await rig.claim(HOP)).outbox == (message("e1:1:0", hop=HOP),)
    assert [(one.key, one.value) for one in await rig.store.find("notes")] == [("a", {"n": 1})]


async def test_a_decided_hop_does_not_run_again(rig: Rig) -> None:
    """A later delivery gets what is still unsent, and nothing once it is sent."""
    await rig.claim(HOP)
    rows = [message("a"), message("b", rig.at(60)), message("c")]
    await rig.store.commit(HOP, "done", rows, owner="me")
    await rig.store.mark_sent(["a"])

    claim = await rig.claim(HOP)
    assert (claim.state, [row.wire_id for row in claim.outbox]) == ("done", ["c", "b"])
    await rig.store.mark_sent(["b", "c"])
    assert (await rig.claim(HOP)).outbox == ()


async def test_a_retry_runs_as_the_next_attempt(rig: Rig) -> None:
    """After a retry was decided, the next attempt runs, and starts go on counting."""
    await rig.claim(HOP)
    await rig.store.commit(AGAIN, "retry", [message("e1:0:1", hop=AGAIN)], owner="me")

    claim = await rig.claim(AGAIN)

    assert (claim.state, claim.starts) == ("run", 2)


async def test_a_stale_attempt_does_not_run(rig: Rig) -> None:
    """A late copy of an attempt that was retried gets the unsent retry, whether that waits, runs or is done."""
    await rig.claim(HOP)
    await rig.store.commit(AGAIN, "retry", [message("e1:0:1", hop=AGAIN)], owner="me")

    for _ in ("retry", "running", "done"):
        claim = await rig.claim(HOP)
        assert (claim.state, [row.wire_id for row in claim.outbox]) == ("stale", ["e1:0:1"])
        await rig.claim(AGAIN)
        await rig.store.commit(AGAIN, "done", (), owner="me")


async def test_a_call_that_was_cut_off_has_an_unknown_outcome(rig: Rig) -> None:
    """Who finds an intent without an owner gets the hop and must not repeat the call; so does the one after."""
    await rig.claim(HOP, "first", intent=True)
    assert (await rig.claim(HOP, "early", intent=True)).state == "running"

    for owner in ("second", "third"):
        await rig.let_pass(LEASE)
        assert (await rig.claim(HOP, owner, intent=True)).state == "unknown"
    assert not await rig.store.commit(HOP, "done", (), owner="first")
    assert await rig.store.commit(HOP, "done", (), owner="third")


async def test_a_hop_that_kills_its_process_is_not_run_for_ever(rig: Rig) -> None:
    """The start above the limit is answered with crash_loop, to an owner who can record that."""
    for number in range(MAX_STARTS):
        assert (await rig.claim(HOP, f"dead{number}")).state == "run"
        await rig.let_pass(LEASE)

    assert (await rig.claim(HOP, "guard")).state == "crash_loop"
    assert (await rig.claim(HOP, "other")).state == "running"
    assert await rig.store.commit(HOP, "done", [message("failed")], owner="guard")


async def test_done_beats_the_crash_loop(rig: Rig) -> None:
    """A hop that was decided at its last start stays decided, however often it comes."""
    for number in range(MAX_STARTS):
        await rig.claim(HOP, f"o{number}")
        await rig.let_pass(LEASE)
    await rig.store.commit(HOP, "done", [message("x")], owner=f"o{MAX_STARTS - 1}")

    states = [(await rig.claim(HOP)).state for _ in range(MAX_STARTS + 2)]

    assert set(states) == {"done"}


async def test_a_released_hop_was_never_started(rig: Rig) -> None:
    """Giving back is no attempt and no start, at any attempt, and the hop can be claimed at once."""
    for _ in range(MAX_STARTS + 2):
        claim = await rig.claim(HOP)
        assert (claim.state, claim.starts) == ("run", 1)
        await rig.store.release(HOP, owner="me")
    await rig.claim(HOP)
    await rig.store.commit(AGAIN, "retry", (), owner="me")
    await rig.claim(AGAIN, intent=True)
    await rig.store.release(AGAIN, owner="me")

    assert (await rig.claim(HOP)).state == "stale"
    assert (await rig.claim(AGAIN)).starts == 2


async def test_only_the_owner_can_give_back(rig: Rig) -> None:
    """Somebody else's release changes nothing."""
    await rig.claim(HOP, "me")
    await rig.store.release(HOP, owner="other")

    assert (await rig.claim(HOP, "other")).state == "running"


async def test_starts_of_transactional_hops_are_counted(rig: Rig) -> None:
    """Counted starts add up, lead to crash_loop, and end with the decision."""
    assert [await rig.store.count_start(HOP) for _ in range(MAX_STARTS)] == [1, 2, 3]
    async with rig.store.transaction() as tx:
        assert (await tx.claim(HOP, max_starts=MAX_STARTS)).state == "run"
    await rig.store.count_start(HOP)
    async with rig.store.transaction() as tx:
        claim = await tx.claim(HOP, max_starts=MAX_STARTS)
        assert (claim.state, claim.starts) == ("crash_loop", 4)
        await tx.finish(HOP, "done", ())

    assert await rig.store.count_start(HOP) == 4
    assert (await rig.claim(HOP)).state == "done"


async def test_purge_forgets_what_was_decided_long_ago(rig: Rig) -> None:
    """Old decided hops go; young ones, running ones and those with unsent rows stay."""
    hops = {name: Hop("greeter", f"{name}:0") for name in ("old", "unsent", "running", "young")}
    for name in ("old", "unsent", "running"):
        await rig.claim(hops[name])
    await rig.store.commit(hops["old"], "done", (), owner="me")
    await rig.store.commit(hops["unsent"], "done", [message("u")], owner="me")
    await rig.let_pass(100)
    await rig.claim(hops["young"])
    await rig.store.commit(hops["young"], "done", (), owner="me")

    assert await rig.store.purge(older_than=timedelta(seconds=50)) == 1
    assert await rig.unsent() == ["u"]
    assert (await rig.claim(hops["unsent"])).state == (await rig.claim(hops["young"])).state == "done"
    assert (await rig.claim(hops["old"])).state == "run"


async def test_purge_gets_through_any_number(rig: Rig) -> None:
    """More than one bite is purged, too."""
    async with rig.store.transaction() as tx:
        for number in range(1005):
            await tx.finish(Hop("greeter", f"e{number}:0"), "done", ())
    await rig.let_pass(10)

    assert await rig.store.purge(older_than=timedelta(seconds=5)) == 1005
    assert (await rig.store.counts())["inbox"] == 0


async def test_a_closed_store_says_so(rig: Rig) -> None:
    """After close everything raises store.closed; closing twice is harmless."""
    assert await rig.store.healthy()
    await rig.store.close()
    await rig.store.close()

    assert not await rig.store.healthy()
    for refused in (rig.claim(HOP), rig.store.get("c", "k"), rig.store.mark_sent(["a"]), rig.unsent()):
        with pytest.raises(StoreError, match=r"store\.closed"):
            await refused
    with pytest.raises(StoreError, match=r"store\.closed"):
        async with rig.store.transaction():
            pass


async def test_opening_twice_is_harmless(rig: Rig) -> None:
    """Open is idempotent: what runs keeps running."""
    await rig.claim(HOP)
    await rig.store.open()

    assert (await rig.claim(HOP, "other")).state == "running"


async def test_counts_tell_the_sizes(rig: Rig) -> None:
    """Outbox and inbox are counted."""
    await rig.claim(HOP)
    await rig.store.commit(HOP, "done", [message("a"), message("b")], owner="me")
    await rig.store.mark_sent(["b"])

    counts = await rig.store.counts()
    assert (counts["outbox"], counts["inbox"], counts["quarantine"]) == (1, 1, 0)
