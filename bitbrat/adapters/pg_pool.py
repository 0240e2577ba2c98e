"""Connections to PostgreSQL: a bounded number, made when they are needed, used again, and replaced when they break."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

import asyncpg

from bitbrat.adapters.pg_connection import PgConnection
from bitbrat.config.pg_url import PgAddress
from bitbrat.errors import StoreError, StoreUnavailable

CONNECT_SECONDS = 5.0


class PgPool:
    """At most ``address.pool`` connections. ``patience``: seconds that anybody waits for a free one, or for a lock."""

    def __init__(self, address: PgAddress, patience: float) -> None:
        self._address = address
        self._patience = patience
        self._turns = asyncio.Semaphore(address.pool)
        self._free: list[PgConnection] = []
        self._closed = False

    async def take(self) -> PgConnection:
        """A connection for the caller alone, until ``give``. Raises what connecting raises, and ``store.unavailable``."""
        await (self._wait() if self._turns.locked() else self._turns.acquire())
        try:
            if self._closed:
                raise StoreError("store.closed", "the store is closed")
            while self._free:
                connection = self._free.pop()
                if not connection.raw.is_closed():
                    return connection
            return PgConnection(await self._connect())
        except BaseException:
            self._turns.release()
            raise

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            what = f"all {self._address.pool} connections were in use for {self._patience:g} s"
            raise StoreUnavailable("store.unavailable", what, fix="raise pool= in BITBRAT_STORE") from None

    def give(self, connection: PgConnection) -> None:
        """Give a connection back. One with a transaction still open, or of a closed pool, is cut off: the server undoes it."""
        raw = connection.raw
        if not raw.is_closed():
            if self._closed or raw.is_in_transaction():
                raw.terminate()
            else:
                self._free.append(connection)
        self._turns.release()

    async def close(self) -> None:
        """Let go of all connections; those in use follow when they are given back."""
        self._closed = True
        free, self._free = self._free, []
        for connection in free:
            try:
                await connection.raw.close(timeout=CONNECT_SECONDS)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                connection.raw.terminate()

    async def _connect(self) -> asyncpg.Connection:
        address = self._address
        milliseconds = {"lock_timeout": self._patience, "statement_timeout": address.statement_timeout}
        return await asyncpg.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password or None,
            database=address.database,
            ssl=_tls(address),
            timeout=CONNECT_SECONDS,
            # The server ends a long statement itself; this is for a server that does not answer any more.
            command_timeout=address.statement_timeout + CONNECT_SECONDS,
            server_settings={
                "application_name": "bitbrat",
                "default_transaction_isolation": "read committed",
                "tcp_keepalives_idle": "30",  # a client that vanished holds its locks no longer than a minute
                "tcp_keepalives_interval": "10",
                "tcp_keepalives_count": "3",
                **{name: str(round(seconds * 1000)) for name, seconds in milliseconds.items()},
            },
        )


def _tls(address: PgAddress) -> Any:
    """Certificates are checked against the system's authorities, or those of ``sslrootcert``."""
    if not address.sslmode.startswith("verify"):
        return address.sslmode
    context = ssl.create_default_context(cafile=address.sslrootcert or None)
    context.check_hostname = address.sslmode == "verify-full"
    return context


async def roll_back(connection: PgConnection) -> None:
    """Undo what is open on a connection, or cut it off."""
    raw = connection.raw
    try:
        if not raw.is_closed() and raw.is_in_transaction():
            await raw.execute("ROLLBACK")
    except BaseException:
        with contextlib.suppress(Exception):
            raw.terminate()
        raise
