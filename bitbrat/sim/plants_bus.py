"""Planted bugs around the bus."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

from bitbrat.bus import ENVELOPE_ID, WIRE_ID, Message, Receipt
from bitbrat.sim.bus import Consumption, SimBus, SimDelivery
from bitbrat.topics import platform_role


class _Filtered(Consumption):
    """A consumption that looks at each delivery before it is handed over."""

    async def __anext__(self) -> SimDelivery:
        while True:
            delivery = await super().__anext__()
            if not await self._swallows(delivery):
                return delivery

    async def _swallows(self, delivery: SimDelivery) -> bool:
        raise AssertionError(delivery)


class AckFirst(SimBus):
    """Acknowledges before the handler runs."""

    def consume(self, topic: str, group: str, *, max_in_flight: int) -> AsyncIterator[SimDelivery]:
        """As it should not be."""
        return self.open(_AckedAtOnce, topic, group, max_in_flight)


class _AckedAtOnce(_Filtered):
    async def _swallows(self, delivery: SimDelivery) -> bool:
        self.broker.ack(delivery.entry)
        return False


class SeenBefore(SimBus):
    """Marks a message as seen, in memory, before its handler runs."""

    def consume(self, topic: str, group: str, *, max_in_flight: int) -> AsyncIterator[SimDelivery]:
        """As it should not be."""
        return self.open(_Remembering, topic, group, max_in_flight)


class _Remembering(_Filtered):
    async def _swallows(self, delivery: SimDelivery) -> bool:
        seen = cast(set[str], self.home.__dict__.setdefault("seen", set()))
        known = delivery.headers[WIRE_ID] in seen
        seen.add(delivery.headers[WIRE_ID])
        if known:
            await delivery.ack()
        return known


class _Renaming(SimBus):
    """Publishes under another wire id."""

    async def publish(self, topic: str, message: Message) -> Receipt:
        """As it should not be."""
        return await super().publish(topic, replace(message, id=self.rename(topic, message)))

    def rename(self, topic: str, message: Message) -> str:
        """The wrong id."""
        raise AssertionError(topic, message)


class EnvelopeIds(_Renaming):
    """The wire id is the envelope's id alone."""

    def rename(self, topic: str, message: Message) -> str:  # noqa: ARG002 - one signature for all
        """The same on every hop."""
        return message.headers.get(ENVELOPE_ID, message.id)


class OneIdForAllAttempts(_Renaming):
    """A retry goes out under the wire id of the attempt before."""

    def rename(self, topic: str, message: Message) -> str:
        """Without its attempt."""
        return message.id if platform_role(topic) else re.sub(r":\d+$", "", message.id)


class OneIdForAllVisits(_Renaming):
    """A second visit of a platform service has the wire id of the first."""

    def rename(self, topic: str, message: Message) -> str:  # noqa: ARG002 - one signature for all
        """Without the lengths of slip and trail."""
        return re.sub(r"@\d+\.\d+", "", message.id)
