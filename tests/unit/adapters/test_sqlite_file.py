"""One SQLite file: shared by its handles, committed for many at once, refused to others."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bitbrat.adapters.sqlite_file import SqliteFile
from bitbrat.adapters.sqlite_schema import migrate
from bitbrat.errors import BusError, BusUnavailable, StoreError, StoreUnavailable


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteFile]:
    """An open file with a table of words."""
    made = SqliteFile(tmp_path / "a.db", area="bus")
    await made.run(lambda connection: connection.execute("CREATE TABLE words (word TEXT UNIQUE)") and None)
    yield made
    await made.close()


def write(word: str, *, then: Exception | None = None) -> Callable[[sqlite3.Connection], str]:
    """A work that writes ``word``, and raises."""

    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO words VALUES (?)", (word,))
        if then is not None:
            raise then
        return word

    return work


def words(connection: sqlite3.Connection) -> list[str]:
    """Every word, sorted."""
    return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY word")]


async def test_a_result_comes_back_and_what_was_written_can_be_read(file: SqliteFile) -> None:
    """Once the caller knows, everyone sees it."""
    assert await file.run(write("one")) == "one"
    assert await file.read(words) == ["one"]


async def test_one_that_raises_undoes_only_itself(file: SqliteFile) -> None:
    """Its neighbours in the same transaction are stored, and its own exception comes out."""
    results = await asyncio.gather(
        file.run(write("before")), file.run(write("bad", then=KeyError("mine"))), file.run(write("after")), return_exceptions=True
    )

    assert [results[0], repr(results[1]), results[2]] == ["before", "KeyError('mine')", "after"]
    assert await file.read(words) == ["after", "before"]


async def test_works_that_come_together_share_commits(file: SqliteFile, tmp_path: Path) -> None:
    """A thousand callers do not cost a thousand syncs: the commits are counted by the file itself."""
    other = sqlite3.connect(tmp_path / "a.db")
    commits = 0
    version = other.execute("PRAGMA data_version").fetchone()[0]

    def count() -> None:
        nonlocal commits, version
        now = other.execute("PRAGMA data_version").fetchone()[0]
        commits, version = commits + (now != version), now

    async def one(word: str) -> None:
        await file.run(write(word))
        count()

    await asyncio.gather(*(one(str(number)) for number in range(1_000)))
    other.close()

    assert len(await file.read(words)) == 1_000
    assert 1 <= commits <= 8


async def test_a_failed_commit_fails_every_caller(file: SqliteFile) -> None:
    """Nobody is told that it is stored when the disk refused it, and the file works on afterwards."""
    await file.run(lambda connection: [connection.execute(table) for table in _COMMIT_FAILS] and None)
    attempts = [file.run(lambda connection: connection.execute("INSERT INTO children VALUES (7)") and None), file.run(write("lost"))]

    results = await asyncio.gather(*attempts, return_exceptions=True)

    assert all(isinstance(result, BusUnavailable) for result in results)
    assert await file.read(words) == []
    assert await file.run(write("next")) == "next"


_COMMIT_FAILS = (
    "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
    "CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)",
)


async def test_a_full_disk_is_unavailable_and_nothing_is_stored(file: SqliteFile) -> None:
    """The caller may try again: after there is room it works."""
    pages = await file.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await file.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}") and None)

    with pytest.raises(BusUnavailable) as caught:
        await file.run(write("x" * 100_000))

    assert caught.value.code == "bus.unavailable"
    await file.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000") and None)
    assert await file.run(write("fits")) == "fits"
    assert await file.read(words) == ["fits"]


async def test_a_caller_that_gives_up_harms_nobody(file: SqliteFile) -> None:
    """Its work is done all the same, and so is everybody else's."""
    given_up = asyncio.create_task(file.run(write("given up")))
    await asyncio.sleep(0)
    given_up.cancel()

    assert await file.run(write("patient")) == "patient"
    assert given_up.cancelled()
    assert await file.read(words) == ["given up", "patient"]


async def test_a_reader_writes_nothing(file: SqliteFile) -> None:
    """What only reads is held to it."""
    with pytest.raises(BusUnavailable):
        await file.read(write("sneaked in"))

    assert await file.read(words) == []


async def test_a_bus_and_a_store_share_one_file(tmp_path: Path) -> None:
    """One owner, one writer; the file is let go when both have closed; each speaks its own error codes."""
    bus = SqliteFile(tmp_path / "a.db", area="bus")
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")
    store = SqliteFile(tmp_path / "link.db", area="store")
    await bus.run(lambda connection: connection.execute("CREATE TABLE words (word TEXT)") and None)
    await bus.close()

    assert await store.run(write("still open")) == "still open"
    with pytest.raises(BusError) as closed_bus:
        await bus.run(write("x"))
    await store.close()
    with pytest.raises(StoreError) as closed_store:
        await store.run(write("x"))
    assert [closed_bus.value.code, closed_store.value.code] == ["bus.closed", "store.closed"]


async def test_what_was_asked_for_before_closing_is_done(file: SqliteFile, tmp_path: Path) -> None:
    """Closing waits for it."""
    asked = [asyncio.create_task(file.run(write(str(number)))) for number in range(10)]
    await asyncio.sleep(0)
    await file.close()

    assert [await one for one in asked] == [str(number) for number in range(10)]
    again = SqliteFile(tmp_path / "a.db", area="bus")
    assert len(await again.read(words)) == 10
    await again.close()


async def test_nobody_else_may_read_the_file(file: SqliteFile, tmp_path: Path) -> None:
    """Chat lines are personal data: every file of it is the owner's alone."""
    await file.run(write("secret"))

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("a.db", "a.db-wal", "a.db-shm", "a.db.lock"), 384)


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """It is left as it is."""
    (tmp_path / "a.db").write_bytes(b"These are somebody's notes.\n" * 100)

    with pytest.raises(StoreUnavailable) as caught:
        SqliteFile(tmp_path / "a.db", area="store")

    assert caught.value.code == "store.unavailable"
    assert (tmp_path / "a.db").read_bytes() == b"These are somebody's notes.\n" * 100


async def test_a_file_of_a_newer_program_is_refused(file: SqliteFile) -> None:
    """An older program does not touch what it does not understand; a known version is left alone."""
    changes = ["CREATE TABLE one (a)", "CREATE TABLE two (a); CREATE TABLE three (a)"]
    file.set_up(lambda connection: migrate(connection, "part", changes[:1]))
    file.set_up(lambda connection: migrate(connection, "part", changes))
    file.set_up(lambda connection: migrate(connection, "part", changes))

    with pytest.raises(StoreError) as caught:
        file.set_up(lambda connection: migrate(connection, "part", changes[:1]))

    assert caught.value.code == "store.schema"
