"""``bitbrat run`` as a process of its own, on files, that can be killed and started again; and a client that keeps a ledger."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.codec import decode
from bitbrat.host import CORE
from bitbrat.store import FinalRecord
from bitbrat.world import RealWorld

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "kanarienvogel-4711"


@dataclass
class Process:
    """The platform, with the services of ``tests.faults.counting``, whose data are in ``folder``."""

    folder: Path
    slip: str
    settings: dict[str, str] = field(default_factory=dict)
    starts: int = 0
    url: str = ""
    _child: asyncio.subprocess.Process | None = None

    @property
    def data(self) -> Path:
        """The file of bus and store."""
        return self.folder / "bitbrat.db"

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self.starts += 1
        log = self.folder / f"log.{self.starts}"
        command = [
            sys.executable,
            "-c",
            "import sys; from bitbrat.cli import main; sys.exit(main())",
            "run",
            *CORE,
            "tests.faults.counting",
        ]
        with log.open("wb") as out:
            self._child = await asyncio.create_subprocess_exec(*command, cwd=self.folder, env=self._environ(), stdout=out, stderr=out)
        async with asyncio.timeout(30):
            while not (url := _ready(log)):
                assert self._child.returncode is None, log.read_text()
                await asyncio.sleep(0.02)
        self.url = url

    def _environ(self) -> dict[str, str]:
        url = f"sqlite:///{self.data}"
        ours = {
            "BUS": url,
            "STORE": url,
            "HTTP_PORT": "0",
            "INGRESS__TOKEN": TOKEN,
            "ROUTER__DEFAULT_SLIP": self.slip,
            "LOG_FORMAT": "json",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BITBRAT_")}
        return {**inherited, "PYTHONPATH": str(ROOT), **{f"BITBRAT_{name}": value for name, value in {**ours, **self.settings}.items()}}

    async def __aenter__(self) -> Process:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._child is not None:
            await self.kill()

    async def kill(self) -> None:
        """As a power cut does it."""
        await self._signal(signal.SIGKILL)

    async def stop(self) -> int:
        """As an operator does it: SIGTERM; the exit code."""
        return await self._signal(signal.SIGTERM)

    async def _signal(self, number: signal.Signals) -> int:
        assert self._child is not None
        if self._child.returncode is None:
            os.kill(self._child.pid, number)
        return await self._child.wait()

    def said(self) -> str:
        """Everything that all processes so far have logged."""
        return "".join(log.read_text() for log in sorted(self.folder.glob("log.*")))

    def rows(self, query: str) -> list[Any]:
        """What a second reader sees in the data, while the process runs or not."""
        with closing(sqlite3.connect(f"file:{self.data}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    async def settled(self, count: int, *, seconds: float = 60.0) -> None:
        """Wait until there are ``count`` final records and nothing is under way."""
        async with asyncio.timeout(seconds):
            while self.rows("SELECT count(*) FROM final")[0][0] < count or not self._quiet():
                await asyncio.sleep(0.1)

    def _quiet(self) -> bool:
        return not self.rows("SELECT 1 FROM outbox LIMIT 1") and not self.rows(
            "SELECT 1 FROM inbox WHERE state IN ('running', 'intent') LIMIT 1"
        )

    async def finals(self) -> list[FinalRecord]:
        """Every final record; the process must have ended."""
        store = SqliteStore(self.data, RealWorld())
        await store.open()
        try:
            return await store.finals(limit=10_000)
        finally:
            await store.close()

    async def document(self, collection: str, key: str) -> Any:
        """A document; the process must have ended."""
        store = SqliteStore(self.data, RealWorld())
        await store.open()
        try:
            found = await store.get(collection, key)
            return None if found is None else found.value
        finally:
            await store.close()


def _ready(log: Path) -> str:
    for line in log.read_text().splitlines():
        if '"ready"' in line and line.startswith("{"):
            return str(json.loads(line)["url"])
    return ""


@dataclass
class Ledger:
    """A client that knows which events were accepted for certain, and of which it cannot know."""

    process: Process
    client: aiohttp.ClientSession
    ok: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)

    async def send(self, number: int) -> None:
        """Post the event of that number once."""
        body = {"type": "external.counter.event.v1", "id": f"n-{number}", "payload": {"n": number}}
        try:
            async with self.client.post(f"{self.process.url}/v1/events", json=body, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
                accepted = answer.status == 202
                await answer.read()
        except (aiohttp.ClientError, OSError):
            accepted = False
        if accepted:
            self.ok.add(number)
            self.unknown.discard(number)
        elif number not in self.ok:
            self.unknown.add(number)


def by_number(records: list[FinalRecord]) -> Counter[int]:
    """How many final records each event has."""
    return Counter(int(decode(record.data).payload["n"]) for record in records)
