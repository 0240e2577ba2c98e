"""HTTP as bytes: what a well-behaved client library would never send, and what came back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

PATIENCE = 20.0
"""Seconds until a test gives up on an answer; nothing is concluded from how long one took."""


@dataclass(frozen=True)
class Answer:
    """A response as it came over the wire. ``status`` is 0 when the server closed without one."""

    status: int
    version: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The body as a problem; fails on any other."""
        assert self.headers.get("content-type", "").startswith("application/problem+json"), (self.status, self.body[:200])
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def code(self) -> str:
        """The problem's code."""
        return str(self.problem["code"])


@dataclass
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        """Put bytes on the wire. A server that has hung up meanwhile is not the sender's failure."""
        if not self.writer.is_closing():
            self.writer.write(data)

    async def drip(self, data: bytes, *, pause: float = 0.05) -> None:
        """Put bytes on the wire one by one, until it is cancelled or the server hangs up."""
        for number in range(len(data)):
            self.send(data[number : number + 1])
            await asyncio.sleep(pause)

    async def answer(self) -> Answer:
        """The next response."""
        async with asyncio.timeout(PATIENCE):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return Answer(0, "", {}, b"")
            first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        version, status, *_ = first.split(" ")
        return Answer(int(status), version, headers, body)

    async def closed(self) -> bool:
        """Whether the server ends the connection, without another byte."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    """A connection to ``port`` on this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


async def exchange(port: int, data: bytes) -> Answer:
    """Send ``data`` on a connection of its own; the first response."""
    async with connected(port) as wire:
        wire.send(data)
        return await wire.answer()


def chunked(chunks: list[bytes]) -> bytes:
    """A body in chunks, with its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
