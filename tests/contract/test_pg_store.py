"""What only a store in PostgreSQL can meet: other processes, other versions, a lost answer, a server that says no."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from bitbrat.adapters.pg_connection import numbered
from bitbrat.adapters.pg_errors import mapped
from bitbrat.adapters.pg_store import PgStore
from bitbrat.config.pg_url import PgAddress
from bitbrat.errors import StoreError, StoreUnavailable
from bitbrat.store import Hop
from tests import postgres_server
from tests.contract.stores import MAX_STARTS, final, message

HOP = Hop("greeter", "e1:0")


@pytest.fixture
def address() -> PgAddress:
    """Tables of one's own, with the database's own clock."""
    return postgres_server.shared().corner()


@contextlib.asynccontextmanager
async def opened(address: PgAddress, patience: float = 5.0) -> AsyncIterator[PgStore]:
    """An open store."""
    store = PgStore(address, patience=patience)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def sql(address: PgAddress, statement: str) -> None:
    """Somebody else at the database."""
    other = await asyncpg.connect(host=address.host, port=address.port, user=address.user, database=address.database)
    await other.execute(statement)
    await other.close()


async def test_many_that_open_an_empty_database_at_once_make_one_schema(address: PgAddress) -> None:
    """Everybody finds the tables, nobody fails."""
    stores = [PgStore(address) for _ in range(8)]
    await asyncio.gather(*(store.open() for store in stores))

    assert [await store.put("c", "k", 1) for store in stores] == list(range(1, 9))
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_newer_schema_is_refused(address: PgAddress) -> None:
    """What a later version made is not touched."""
    async with opened(address):
        await sql(address, "UPDATE bitbrat_schema SET version = 99 WHERE part = 'store'")

    with pytest.raises(StoreError, match=r"store\.schema.*version 99"):
        await PgStore(address).open()


async def test_a_lease_holds_for_every_process(address: PgAddress) -> None:
    """Another store, also one that was opened later, waits for it; a restart frees nothing."""
    async with opened(address) as mine:
        await mine.claim(HOP, owner="me", lease=60, max_starts=3)
    async with opened(address) as other:
        claim = await other.claim(HOP, owner="you", lease=60, max_starts=3)

        assert claim.state == "running"
        assert 50 < claim.wait <= 60


async def test_a_transactional_claim_that_decides_nothing_leaves_nothing(address: PgAddress) -> None:
    """The next delivery runs as if nobody had been there, also after a savepoint undid the claim."""
    async with opened(address) as store:
        async with store.transaction() as tx:
            assert (await tx.claim(HOP, max_starts=MAX_STARTS)).state == "run"
            assert (await tx.claim(HOP, max_starts=MAX_STARTS)).state == "run"
        with contextlib.suppress(ZeroDivisionError):
            async with store.transaction() as tx, tx.savepoint():
                await tx.claim(HOP, max_starts=MAX_STARTS)
                raise ZeroDivisionError

        assert (await store.counts())["inbox"] == 0


async def test_a_transaction_in_which_a_statement_failed_is_not_taken_for_committed(address: PgAddress) -> None:
    """A handler that swallows the refusal is told at the end; nothing was written."""

    async def swallow(store: PgStore) -> None:
        async with store.transaction() as tx:
            await tx.put("c", "k", 1)
            with pytest.raises(StoreError, match=r"store\.bad_value"):
                await tx.enqueue(message("\x00"))

    async with opened(address) as store:
        with pytest.raises(StoreUnavailable, match="rolled the transaction back"):
            await swallow(store)

        assert await store.get("c", "k") is None


async def test_nobody_waits_for_a_lock_for_ever(address: PgAddress) -> None:
    """Out of patience: store.contended. A statement that takes too long: store.unavailable."""
    async with opened(address) as holder, holder.transaction() as tx:
        await tx.put("c", "k", 1)
        async with opened(address, patience=0.3) as impatient:
            with pytest.raises(StoreUnavailable, match=r"store\.contended"):
                await impatient.put("c", "k", 2)
        async with opened(replace(address, statement_timeout=0.3)) as slow:
            with pytest.raises(StoreUnavailable, match=r"store\.unavailable.*57014"):
                await slow.put("c", "k", 2)
            await slow.put("c", "other", 2)


async def test_no_more_connections_than_asked_for(address: PgAddress) -> None:
    """Who finds none waits, and is told after a while."""
    async with opened(replace(address, pool=1), patience=0.2) as store:
        async with store.transaction():
            with pytest.raises(StoreUnavailable, match="all 1 connections"):
                await store.get("c", "k")

        assert await store.get("c", "k") is None


async def test_damaged_rows_are_set_aside(address: PgAddress) -> None:
    """The others go on; the damaged ones are in quarantine, counted."""
    async with opened(address) as store:
        await store.enqueue([message("a"), message("b")])
        await store.put("c", "a", 1)
        await store.put("c", "b", 1)
        async with store.transaction() as tx:
            await tx.record(final("envelope-1"))
        await sql(address, "UPDATE outbox SET headers = 'no' WHERE wire_id = 'a'")
        await sql(address, "UPDATE documents SET value = '{' WHERE key = 'a'")
        await sql(address, "UPDATE final SET outcome = 'eaten'")

        assert [row.wire_id for row in await store.unsent(grace=-1, limit=10)] == ["b"]
        async with store.transaction() as tx:
            assert [one.key for one in await tx.find("c")] == ["b"]
        assert await store.finals() == []
        assert (await store.counts())["quarantine"] == 3


async def test_an_answer_that_is_lost_is_asked_for_again(address: PgAddress) -> None:
    """A commit whose answer never came is StoreUnavailable; the next claim finds the hop done, with its outbox."""

    async def deliver(store: PgStore) -> None:
        async with store.transaction() as tx:
            await tx.claim(HOP, max_starts=MAX_STARTS)
            await tx.put("c", "effect", 1)
            await tx.finish(HOP, "done", [message("next")])

    server = await asyncio.start_server(lambda r, w: _lossy(address.port, r, w), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with opened(address) as direct, server, opened(replace(address, host="127.0.0.1", port=port, sslmode="disable")) as lossy:
        with pytest.raises(StoreUnavailable):
            await deliver(lossy)

        claim = await direct.claim(HOP, owner="me", lease=1, max_starts=3)
        assert (claim.state, [row.wire_id for row in claim.outbox]) == ("done", ["next"])
        assert await direct.get("c", "effect") is not None
        assert await lossy.healthy()


async def _lossy(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass everything on, except the answer to a COMMIT: then the line is cut."""
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    cut = False

    async def answers() -> None:
        while data := await up_reader.read(65536):
            if cut:
                break
            writer.write(data)
        writer.close()

    async def questions() -> None:
        nonlocal cut
        while data := await reader.read(65536):
            cut = b"COMMIT" in data
            up_writer.write(data)
        up_writer.close()

    with contextlib.suppress(OSError):
        await asyncio.gather(answers(), questions())
    for one in (writer, up_writer):
        one.close()
        with contextlib.suppress(OSError):
            await one.wait_closed()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("25P02", "store.unavailable"),
        ("57P01", "store.unavailable"),
        ("53300", "store.unavailable"),
        ("08006", "store.unavailable"),
        ("40001", "store.contended"),
        ("40P01", "store.contended"),
        ("55P03", "store.contended"),
        ("22021", "store.bad_value"),
    ],
)
def test_what_the_server_says_has_a_name(state: str, code: str) -> None:
    """What may work later is StoreUnavailable; what never will is not."""
    error = mapped(asyncpg.PostgresError.new({"C": state, "M": "no", "S": "ERROR"}))

    assert error.code == code
    assert isinstance(error, StoreUnavailable) == (code != "store.bad_value")


async def test_no_error_shows_the_password() -> None:
    """Nobody listens there; what is said names the place without the password."""
    gone = PgAddress("127.0.0.1", 1, "ann", "bits", "geheim")
    store = PgStore(gone)
    with pytest.raises(StoreUnavailable, match=r"postgresql://ann@127\.0\.0\.1:1/bits") as refused:
        await store.open()

    assert "geheim" not in f"{refused.value!r} {refused.value} {refused.value.__cause__!r} {store!r}"
    assert not await store.healthy()
    await store.close()


def test_parameters_are_numbered_by_their_names() -> None:
    """A name that comes twice has one number; a cast is no parameter."""
    assert numbered("a = :a AND b = :b::text OR a < :a") == ("a = $1 AND b = $2::text OR a < $1", ("a", "b"))
