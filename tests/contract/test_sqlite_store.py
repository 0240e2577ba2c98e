"""What only a store in an SQLite file can meet: another owner, another schema, damaged rows, a cancelled caller."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.errors import StoreError
from bitbrat.store import Hop
from tests.contract.stores import MAX_STARTS, StillWorld, final, message

HOP = Hop("greeter", "e1:0")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open store in a file."""
    made = SqliteStore(tmp_path / "store.db", StillWorld())
    await made.open()
    yield made
    await made.close()


async def _damage(tmp_path: Path, store: SqliteStore, *statements: str) -> SqliteStore:
    """The same file after somebody wrote into it by hand."""
    await store.close()
    connection = sqlite3.connect(tmp_path / "store.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    again = SqliteStore(tmp_path / "store.db", StillWorld())
    await again.open()
    return again


async def test_a_second_process_is_refused(tmp_path: Path, store: SqliteStore) -> None:
    """The file has one owner; the other gets the code of it."""
    program = (
        "import asyncio, sys\nfrom bitbrat.adapters.sqlite_store import SqliteStore\nfrom bitbrat.world import RealWorld\n"
        "asyncio.run(SqliteStore(sys.argv[1], RealWorld()).open())"
    )
    path = str(tmp_path / "store.db")
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, path, stderr=asyncio.subprocess.PIPE)
    _, stderr = await child.communicate()

    assert b"store.in_use" in stderr


async def test_two_stores_of_one_process_share_the_file_and_its_claims(tmp_path: Path, store: SqliteStore) -> None:
    """A second one neither voids the first one's claims nor passes its locks."""
    await store.claim(HOP, owner="me", lease=30, max_starts=3)
    other = SqliteStore(tmp_path / "store.db", StillWorld())
    await other.open()

    assert (await other.claim(HOP, owner="you", lease=30, max_starts=3)).state == "running"
    async with store.transaction() as tx:
        await tx.put("c", "k", 1)
        waiting = asyncio.create_task(other.put("c", "k", 2))
        await asyncio.sleep(0.01)
        assert not waiting.done()
    assert await waiting == 2
    await other.close()


async def test_a_newer_schema_is_refused(tmp_path: Path, store: SqliteStore) -> None:
    """A file that a later version made is not touched."""
    with pytest.raises(StoreError, match=r"store\.schema"):
        await _damage(tmp_path, store, "UPDATE bitbrat_schema SET version = 99 WHERE part = 'store'")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE final SET detail = '{' WHERE id = 'envelope-1'",
        "UPDATE final SET detail = CAST(x'ff22' AS TEXT) WHERE id = 'envelope-1'",
        "UPDATE final SET outcome = 'eaten' WHERE id = 'envelope-1'",
        "UPDATE final SET state = '' WHERE id = 'envelope-1'",
        "UPDATE final SET data = 'text' WHERE id = 'envelope-1'",
        "UPDATE final SET at = 'noon' WHERE id = 'envelope-1'",
    ],
)
async def test_a_damaged_final_record_is_set_aside(tmp_path: Path, store: SqliteStore, damage: str) -> None:
    """The others are listed, the damaged one is kept in quarantine and counted."""
    async with store.transaction() as tx:
        for number in range(3):
            await tx.record(final(f"envelope-{number}"))

    again = await _damage(tmp_path, store, damage)

    assert [record.id for record in await again.finals(newest_first=False)] == ["envelope-0", "envelope-2"]
    assert await again.final("envelope-1") is None
    await again.put("c", "k", 1)
    counts = await again.counts()
    assert (counts["quarantine"], counts["final.completed"]) == (1, 2)
    await again.close()


@pytest.mark.parametrize(
    "damage", ["headers = '[1]'", "headers = 'no'", "headers = CAST(x'ff' AS TEXT)", "data = 1", "hop_id = 'h', attempt = 'x'"]
)
async def test_a_damaged_outbox_row_is_set_aside(tmp_path: Path, store: SqliteStore, damage: str) -> None:
    """The relay goes on with the others."""
    await store.enqueue([message("a"), message("b"), message("c")])

    again = await _damage(tmp_path, store, f"UPDATE outbox SET {damage} WHERE wire_id = 'b'")  # noqa: S608  ours

    assert [row.wire_id for row in await again.unsent(grace=0, limit=10)] == ["a", "c"]
    await again.put("c", "k", 1)
    counts = await again.counts()
    assert (counts["quarantine"], counts["outbox"]) == (1, 2)
    await again.close()


@pytest.mark.parametrize("value", ["{", "", "[1,]", "\\ud800é"])
async def test_a_damaged_document_is_set_aside(tmp_path: Path, store: SqliteStore, value: str) -> None:
    """It reads as if it were not there."""
    for key in ("a", "b", "c"):
        await store.put("c", key, 1)

    again = await _damage(tmp_path, store, f"UPDATE documents SET value = '{value}' WHERE key = 'b'")  # noqa: S608  ours

    assert await again.get("c", "b") is None
    assert [one.key for one in await again.find("c")] == ["a", "c"]
    assert await again.put("c", "b", 2) == 1
    assert (await again.counts())["quarantine"] == 1
    await again.close()


async def test_a_cancelled_commit_still_holds_its_locks_until_it_is_stored(store: SqliteStore) -> None:
    """A caller that is cancelled while its transaction is being stored leaves nobody a chance to read what was before."""

    async def write() -> None:
        async with store.transaction() as tx:
            await tx.put("c", "k", 1)

    writing = asyncio.create_task(write())
    await asyncio.sleep(0)
    writing.cancel()
    async with store.transaction() as tx:
        await tx.put("c", "k", (await tx.get("c", "k") or 0) + 1)
    await asyncio.gather(writing, return_exceptions=True)

    document = await store.get("c", "k")
    assert document is not None
    assert document.value == document.version


async def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    """Before open, everything raises store.closed."""
    closed = SqliteStore(tmp_path / "other.db", StillWorld())

    assert not await closed.healthy()
    with pytest.raises(StoreError, match=r"store\.closed"):
        await closed.claim(HOP, owner="me", lease=1, max_starts=MAX_STARTS)
    await closed.close()
