"""What the SQLite bus keeps in its file: no longer than it must, and nothing that a reader still needs is removed."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bitbrat.adapters.sqlite_bus import SqliteBus
from bitbrat.adapters.sqlite_file import SqliteFile
from bitbrat.adapters.sqlite_lock import Held, OwnerLock
from bitbrat.adapters.sqlite_schema import migrate
from bitbrat.bus import Message
from bitbrat.errors import BusUnavailable, StoreError
from bitbrat.topics import Topic
from bitbrat.world import RealWorld

STEP, LOG = "internal.step.v1", "internal.log.v1"


class StillWorld(RealWorld):
    """Clocks that move only when they are told to."""

    passed = 0.0

    def now(self) -> datetime:
        """Noon, and what has passed."""
        return datetime(2026, 1, 31, 12, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """What has passed."""
        return self.passed


@pytest.fixture
def world() -> StillWorld:
    """Time in hand."""
    return StillWorld()


@pytest.fixture
async def bus(tmp_path: Path, world: StillWorld) -> AsyncIterator[SqliteBus]:
    """A bus with one step topic and one log that keeps 10 messages."""
    made = SqliteBus(tmp_path / "bus.db", world, keep=10)
    await made.ensure([Topic(STEP, "step", ("step",)), Topic(LOG, "log", ("reader",))])
    yield made
    await made.close()


def count(path: Path, table: str) -> int:
    """Rows in a table of the file."""
    connection = sqlite3.connect(path / "bus.db")
    rows: int = connection.execute("SELECT count(*) FROM " + table).fetchone()[0]  # noqa: S608  the test names it
    connection.close()
    return rows


async def publish(bus: SqliteBus, topic: str, number: int, prefix: str = "m") -> None:
    """Publish so many messages."""
    await bus.publish_many([(topic, Message(f"{prefix}{n}", b"x")) for n in range(number)])


async def settle(bus: SqliteBus, topic: str, group: str, number: int) -> None:
    """Take and ack so many messages."""
    messages = bus.consume(topic, group, max_in_flight=1)
    for _ in range(number):
        await (await anext(messages)).ack()


async def test_a_settled_message_leaves_nothing_but_its_id(bus: SqliteBus, tmp_path: Path) -> None:
    """The file of a step topic does not grow with what has passed through."""
    await publish(bus, STEP, 5)
    first = await anext(bus.consume(STEP, "step", max_in_flight=1))
    await first.nak(delay=0.0)
    await settle(bus, STEP, "step", 5)

    assert [count(tmp_path, table) for table in ("bus_messages", "bus_notes")] == [0, 0]
    assert count(tmp_path, "bus_ids_0") + count(tmp_path, "bus_ids_1") == 5


async def test_ids_are_forgotten_after_the_window(bus: SqliteBus, world: StillWorld, tmp_path: Path) -> None:
    """Two windows later nothing is left of them; inside their own window they are known, whatever the generation."""
    await publish(bus, STEP, 3, "a")
    world.passed += 100
    await publish(bus, STEP, 3, "b")
    world.passed += 100
    known = await bus.publish_many([(STEP, Message(name, b"x")) for name in ("a0", "b0")])
    world.passed += 1_000
    await publish(bus, STEP, 1, "c")
    world.passed += 1_000
    await publish(bus, STEP, 1, "d")

    assert [receipt.duplicate for receipt in known] == [False, True]
    assert count(tmp_path, "bus_ids_0") + count(tmp_path, "bus_ids_1") == 2


async def test_a_log_keeps_its_newest_for_groups_to_come(bus: SqliteBus, tmp_path: Path) -> None:
    """What every group has settled is trimmed, a few hundred at a time."""
    await publish(bus, LOG, 600)
    await settle(bus, LOG, "reader", 600)

    assert 10 <= count(tmp_path, "bus_messages") < 10 + 256
    assert count(tmp_path, "bus_notes") == 0


async def test_a_log_keeps_all_that_a_group_has_not_read(bus: SqliteBus, world: StillWorld, tmp_path: Path) -> None:
    """Also a group whose service is not running now, and also when its messages are old."""
    await bus.ensure([Topic(LOG, "log", ("slow",))])
    await publish(bus, LOG, 600)
    await bus.close()
    world.passed += 30 * 86_400
    again = SqliteBus(tmp_path / "bus.db", world, keep=10)
    await again.ensure([Topic(LOG, "log", ("reader",))])
    await settle(again, LOG, "reader", 600)
    await again.close()

    assert count(tmp_path, "bus_messages") == 600


async def test_a_log_forgets_what_is_old(bus: SqliteBus, world: StillWorld, tmp_path: Path) -> None:
    """After a week what everyone has settled goes, even when it is little."""
    await publish(bus, LOG, 5, "old")
    await settle(bus, LOG, "reader", 5)
    world.passed += 8 * 86_400
    await publish(bus, LOG, 1, "new")
    await settle(bus, LOG, "reader", 1)

    assert count(tmp_path, "bus_messages") == 1


async def test_messages_settled_out_of_order_are_remembered_one_by_one(bus: SqliteBus, tmp_path: Path) -> None:
    """A log's group is as far as its first unsettled message; those behind have a note until it is settled."""
    await publish(bus, LOG, 4)
    messages = bus.consume(LOG, "reader", max_in_flight=10)
    deliveries = [await anext(messages) for _ in range(4)]
    for delivery in deliveries[1:]:
        await delivery.ack()
    notes = count(tmp_path, "bus_notes")
    await deliveries[0].ack()

    assert [notes, count(tmp_path, "bus_notes")] == [3, 0]


async def test_a_step_topic_may_change_its_group_between_runs(bus: SqliteBus, world: StillWorld, tmp_path: Path) -> None:
    """A service that was renamed takes over what waits there."""
    await publish(bus, STEP, 1)
    await bus.close()
    again = SqliteBus(tmp_path / "bus.db", world)
    await again.ensure([Topic(STEP, "step", ("renamed",))])

    delivery = await anext(again.consume(STEP, "renamed", max_in_flight=1))
    await again.close()

    assert delivery.headers == {"bb-wire-id": "m0"}


async def test_a_bus_file_of_a_newer_program_is_refused_and_let_go(tmp_path: Path, world: StillWorld) -> None:
    """The refusal leaves no lock behind."""
    file = SqliteFile(tmp_path / "bus.db", area="bus")
    file.set_up(lambda connection: migrate(connection, "bus", [f"CREATE TABLE later{n} (a)" for n in range(9)]))
    await file.close()

    codes = []
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            SqliteBus(tmp_path / "bus.db", world)
        codes.append(caught.value.code)

    assert codes == ["store.schema", "store.schema"]
    assert not _locked(tmp_path)


async def test_a_full_disk_refuses_and_recovers(bus: SqliteBus, tmp_path: Path) -> None:
    """A publish raises ``bus.unavailable`` and stores nothing; when there is room, the same id is stored, in its turn."""
    disk = SqliteFile(tmp_path / "bus.db", area="bus")
    await publish(bus, LOG, 1, "before")
    await disk.run(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchall())
    large = Message("large", b"x" * 500_000)

    with pytest.raises(BusUnavailable):
        await bus.publish(LOG, large)
    await disk.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchall())
    receipt = await bus.publish(LOG, large)
    await disk.close()
    messages = bus.consume(LOG, "reader", max_in_flight=10)

    assert not receipt.duplicate
    assert [(await anext(messages)).headers["bb-wire-id"] for _ in range(2)] == ["before0", "large"]


async def test_an_ack_that_fails_brings_the_message_back(bus: SqliteBus, world: StillWorld, tmp_path: Path) -> None:
    """Who was not told that it is done gets it again, and can settle it then; the position has not moved."""
    await publish(bus, LOG, 2)
    messages = bus.consume(LOG, "reader", max_in_flight=10)
    first = await anext(messages)
    breaker = SqliteFile(tmp_path / "bus.db", area="bus")
    await breaker.run(lambda connection: connection.execute(_NO_ROOM_FOR_ACKS).fetchall())

    with pytest.raises(BusUnavailable):
        await first.ack()
    await breaker.run(lambda connection: connection.execute("DROP TRIGGER refuse").fetchall())
    await breaker.close()
    world.passed += 2.0
    rest = [await anext(messages) for _ in range(2)]
    for delivery in rest:
        await delivery.ack()

    assert sorted((delivery.headers["bb-wire-id"], delivery.deliveries) for delivery in rest) == [("m0", 2), ("m1", 1)]
    assert count(tmp_path, "bus_notes") == 0


_NO_ROOM_FOR_ACKS = "CREATE TRIGGER refuse BEFORE UPDATE OF position ON bus_groups BEGIN SELECT abs(-9223372036854775808); END"


def _locked(path: Path) -> bool:
    """Whether somebody owns the bus file."""
    try:
        OwnerLock(path / "bus.db").release()
    except Held:
        return True
    return False
