"""Every store keeps what is decided until the bus has it."""

from __future__ import annotations

import pytest

from bitbrat.store import Hop
from tests.contract.stores import Rig, message

HOP = Hop("greeter", "e1:0")


async def test_a_wire_id_waits_once(rig: Rig) -> None:
    """The first row under a wire id counts; whoever puts it again changes nothing."""
    first = message("w")
    await rig.store.enqueue([first])
    await rig.store.enqueue([message("w", rig.at(60)), message("v")])
    await rig.claim(HOP)
    await rig.store.commit(HOP, "done", [message("w")], owner="me")

    assert sorted(await rig.unsent()) == ["v", "w"]
    assert first in await rig.store.unsent(grace=0, limit=10)


async def test_a_row_comes_back_as_it_was_put(rig: Rig) -> None:
    """Bytes, headers, time and hop are kept."""
    row = message("w", rig.at(-1), Hop("greeter", "e1:0", 2))
    await rig.store.enqueue([row])

    assert await rig.store.unsent(grace=0, limit=10) == [row]


async def test_a_fresh_row_is_its_hops_own_for_a_while(rig: Rig) -> None:
    """Only what is unsent for longer than the grace is taken for left behind."""
    await rig.store.enqueue([message("w")])
    await rig.let_pass(1.5)

    assert await rig.unsent(grace=2) == []
    await rig.let_pass(1)
    assert await rig.unsent(grace=2) == ["w"]


async def test_a_held_back_row_is_due_at_its_time(rig: Rig) -> None:
    """It needs no grace, and does not come before its time."""
    await rig.store.enqueue([message("w", rig.at(10))])
    await rig.let_pass(9.9)
    assert await rig.unsent() == []

    await rig.let_pass(0.1)

    assert await rig.unsent(grace=60) == ["w"]


async def test_what_is_ready_first_comes_first(rig: Rig) -> None:
    """Rows come in the order in which they became ready, no more than asked for."""
    await rig.store.enqueue([message("late", rig.at(20)), message("early", rig.at(5))])
    await rig.let_pass(10)
    await rig.store.enqueue([message("fresh")])
    await rig.let_pass(30)

    assert await rig.unsent() == ["early", "fresh", "late"]
    assert await rig.unsent(limit=2) == ["early", "fresh"]


async def test_it_knows_when_the_next_row_is_due(rig: Rig) -> None:
    """Seconds until then; 0 when it is past; None when nothing is held back."""
    await rig.store.enqueue([message("fresh")])
    assert await rig.store.next_due() is None

    await rig.store.enqueue([message("b", rig.at(20)), message("a", rig.at(5))])
    assert await rig.store.next_due() == pytest.approx(5)
    await rig.store.mark_sent(["a"])
    assert await rig.store.next_due() == pytest.approx(20)
    await rig.let_pass(25)
    assert await rig.store.next_due() == 0
    await rig.store.mark_sent(["b"])
    assert await rig.store.next_due() is None


async def test_what_is_sent_is_gone(rig: Rig) -> None:
    """A mark for what is not there is harmless, and its wire id may wait again."""
    await rig.store.enqueue([message("a"), message("b")])
    await rig.store.mark_sent(["a", "nobody's", "a"])
    assert await rig.unsent() == ["b"]

    await rig.store.enqueue([message("a")])

    assert sorted(await rig.unsent()) == ["a", "b"]
