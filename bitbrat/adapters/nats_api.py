"""Questions to JetStream's own interface, and its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import nats.errors

from bitbrat.adapters.nats_link import Link
from bitbrat.errors import BusError, BusUnavailable

ANSWER_WITHIN = 5.0
"""Seconds in which a healthy server answers."""

NO_STREAM, NO_CONSUMER, NOT_UNIQUE = 10059, 10014, 10100
STORE_FAILED, NO_ROOM, NO_ROOM_AT_ALL = 10077, 10047, 10023

Answer = dict[str, Any]


class Refused(BusError):
    """JetStream said no; ``number`` is its own error number."""

    def __init__(self, number: int, description: str) -> None:
        super().__init__("bus.refused", f"the NATS server refuses: {description} ({number})")
        self.number = number


class Api:
    """Requests to ``$JS.API``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def ask(self, subject: str, body: Mapping[str, Any] | None = None) -> Answer:
        """The answer of JetStream's interface. Raises :class:`Refused`, ``bus.unavailable``."""
        return await self.send(f"$JS.API.{subject}", json.dumps(body).encode() if body else b"")

    async def send(self, subject: str, data: bytes) -> Answer:
        """The answer to a message on any subject that answers in JSON. Raises the same."""
        client = await self._link.wait(ANSWER_WITHIN)
        try:
            said = await client.request(subject, data, timeout=ANSWER_WITHIN)
        except nats.errors.NoRespondersError:
            raise BusUnavailable(
                "bus.unavailable", "the NATS server has no JetStream (yet)", fix="start it with JetStream: nats-server -js -sd DIR"
            ) from None
        except (nats.errors.Error, OSError, TimeoutError):
            raise self._link.unavailable() from None
        answer: Answer = json.loads(said.data)
        if "error" in answer:
            raise Refused(answer["error"].get("err_code", 0), str(answer["error"].get("description", ""))[:200])
        return answer

    async def config(self, subject: str) -> Answer | None:
        """The configuration of a stream (``STREAM.INFO.x``) or a consumer (``CONSUMER.INFO.x.y``), or None when there is none."""
        try:
            found: Answer = (await self.ask(subject))["config"]
        except Refused as error:
            if error.number in (NO_STREAM, NO_CONSUMER):
                return None
            raise
        return found

    async def consumers(self, stream: str) -> list[str]:
        """The names of all consumers of a stream."""
        names: list[str] = []
        while True:
            page = await self.ask(f"CONSUMER.NAMES.{stream}", {"offset": len(names)})
            found = page.get("consumers") or []
            names += found
            if not found or len(names) >= page.get("total", 0):
                return names
