"""Any sequence of operations gives the same answers from every store."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bitbrat.errors import StoreError
from bitbrat.store import Hop, Outgoing, Transaction, Write
from tests.contract.stores import LEASE, STORES, Rig, final, message

HOPS = st.builds(Hop, st.sampled_from(["g", "h"]), st.sampled_from(["e:0", "f:0"]), st.integers(0, 2))
OWNERS = st.sampled_from(["me", "you"])
WIRE_IDS = st.sampled_from(["a", "b", "c", "d"])
OUTBOX = st.lists(st.tuples(WIRE_IDS, st.none() | st.integers(-5, 60)), max_size=3)
KEYS = st.sampled_from(["a", "aa", "ab", "b"])
VALUES = st.none() | st.integers(0, 3) | st.just({"x": ["é"]})
WRITES = st.lists(st.builds(Write, st.just("c"), KEYS, VALUES, st.booleans()), max_size=3)
STATES = st.sampled_from(["done", "retry"])
IDS = st.sampled_from(["envelope-1", "envelope-2", "envelope-22"])
OUTCOMES = st.sampled_from(["completed", "failed", "pending_reply"])


class Stores(RuleBasedStateMachine):
    """Every step is done to every store; the answers must be equal."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.rigs = [Rig(declaration, Path(self.folder.name)) for declaration in STORES if declaration.here()]
        self.same(lambda rig: rig.store.open())

    def same(self, ask: Any) -> Any:
        """Ask every store; they answer alike."""
        first, *others = [self.runner.run(_answer(ask, rig)) for rig in self.rigs]
        for other in others:
            assert other == first
        return first

    def outbox(self, rows: list[tuple[str, int | None]]) -> list[Outgoing]:
        """Messages, held back until that many seconds from now."""
        return [message(wire_id, None if held is None else self.rigs[0].at(held)) for wire_id, held in rows]

    @rule(seconds=st.sampled_from([0.5, 5, LEASE / 2, LEASE]))
    def time_passes(self, seconds: float) -> None:
        """On all clocks."""
        self.same(lambda rig: rig.let_pass(seconds))

    @rule(hop=HOPS, owner=OWNERS, intent=st.booleans())
    def claim(self, hop: Hop, owner: str, intent: bool) -> None:
        """See the port."""
        self.same(lambda rig: rig.claim(hop, owner, intent=intent))

    @rule(hop=HOPS, owner=OWNERS)
    def heartbeat_and_count(self, hop: Hop, owner: str) -> None:
        """See the port."""
        self.same(lambda rig: rig.store.heartbeat(hop, owner=owner, lease=LEASE))
        self.same(lambda rig: rig.store.count_start(hop))

    @rule(hop=HOPS, owner=OWNERS)
    def release(self, hop: Hop, owner: str) -> None:
        """See the port."""
        self.same(lambda rig: rig.store.release(hop, owner=owner))

    @rule(hop=HOPS, owner=OWNERS, state=STATES, rows=OUTBOX, writes=WRITES)
    def commit(self, hop: Hop, owner: str, state: Any, rows: list[tuple[str, int | None]], writes: list[Write]) -> None:
        """See the port."""
        self.same(lambda rig: rig.store.commit(hop, state, self.outbox(rows), owner=owner, writes=writes))

    @rule(rows=OUTBOX)
    def enqueue(self, rows: list[tuple[str, int | None]]) -> None:
        """See the port."""
        self.same(lambda rig: rig.store.enqueue(self.outbox(rows)))

    @rule(wire_ids=st.lists(WIRE_IDS, max_size=2))
    def mark_sent(self, wire_ids: list[str]) -> None:
        """See the port. The second question waits for the mark."""
        self.same(lambda rig: rig.store.mark_sent(wire_ids))
        self.same(lambda rig: rig.store.next_due())

    @rule(older=st.integers(0, 40))
    def purge(self, older: int) -> None:
        """See the port."""
        self.same(lambda rig: rig.store.purge(older_than=timedelta(seconds=older)))

    @rule(key=KEYS, value=VALUES, expected=st.none() | st.integers(0, 2))
    def put(self, key: str, value: Any, expected: int | None) -> None:
        """See the port."""
        self.same(lambda rig: rig.store.put("c", key, value, expected=expected))

    @rule(
        hop=HOPS, state=STATES, rows=OUTBOX, inner=WRITES, outer=WRITES, ended=st.lists(st.tuples(IDS, OUTCOMES), max_size=3),
        undo=st.booleans(), fail=st.booleans(),
    )  # fmt: skip
    def transaction(self, hop: Hop, state: Any, rows: Any, inner: Any, outer: Any, ended: Any, undo: bool, fail: bool) -> None:
        """See the port: a claim, writes, a savepoint that may be undone, records, a decision, and perhaps a failure."""

        async def deliver(rig: Rig) -> list[Any]:
            answers: list[Any] = []
            try:
                async with rig.store.transaction() as tx:
                    answers.append(await tx.claim(hop, max_starts=2))
                    await _write(tx, outer)
                    try:
                        async with tx.savepoint():
                            await _write(tx, inner)
                            answers += [await tx.record(final(one, outcome)) for one, outcome in ended]
                            answers.append(await tx.find("c", limit=3))
                            if undo:
                                raise _UndoError
                    except _UndoError:
                        pass
                    answers += [await tx.get("c", key) for key in ("a", "b")]
                    answers.append(await tx.find("c", prefix="a"))
                    await tx.finish(hop, state, self.outbox(rows))
                    if fail:
                        raise _UndoError
            except _UndoError:
                pass
            return answers

        self.same(deliver)

    @rule(envelope_id=IDS, state=st.sampled_from(["open", "discarded"]))
    def operate(self, envelope_id: str, state: Any) -> None:
        """An operator replays, or sets a state."""
        self.same(lambda rig: rig.store.next_replay(envelope_id))
        self.same(lambda rig: rig.store.set_state(envelope_id, state))

    @invariant()
    def everything_is_the_same(self) -> None:
        """Sizes, outbox, documents, records."""
        self.same(lambda rig: rig.store.counts())
        self.same(lambda rig: rig.store.unsent(grace=1, limit=3))
        self.same(lambda rig: rig.store.find("c"))
        self.same(lambda rig: rig.store.finals())
        self.same(lambda rig: rig.store.final("envelope-2"))

    def teardown(self) -> None:
        """Close everything."""
        self.same(lambda rig: rig.store.close())
        self.runner.close()
        self.folder.cleanup()


class _UndoError(Exception):
    """A handler fails."""


async def _answer(ask: Any, rig: Rig) -> Any:
    try:
        return await ask(rig)
    except StoreError as error:
        return error.code


async def _write(tx: Transaction, writes: list[Write]) -> None:
    for write in writes:
        if write.delete:
            await tx.delete(write.collection, write.key)
        else:
            await tx.put(write.collection, write.key, write.value)


Stores.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
TestStores = Stores.TestCase
