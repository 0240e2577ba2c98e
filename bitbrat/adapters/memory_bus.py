"""The bus of one process, in memory: a peer of the others. It survives no crash of its process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from bitbrat.adapters.consuming import BREATH, Consumption, nothing
from bitbrat.adapters.delivering import Handed
from bitbrat.adapters.memory_topic import Limits, MemoryTopic
from bitbrat.adapters.topology import no_topic, same_class
from bitbrat.bus import Capabilities, Message, Receipt, check_message
from bitbrat.errors import BusError
from bitbrat.topics import Topic, TopicClass
from bitbrat.world import World


class MemoryBus:
    """A :class:`bitbrat.bus.Bus` without a server. Times in seconds, sizes in bytes.

    ``ingress_capacity`` and ``ingress_bytes`` say when an ingress topic is full. A log topic keeps its newest
    ``keep`` messages for groups to come, and all that some group has not settled.
    """

    def __init__(
        self,
        world: World,
        *,
        lease: float = 30.0,
        dedupe_window: float = 120.0,
        max_size: int = 1024 * 1024,
        ingress_capacity: int = 100_000,
        ingress_bytes: int = 256 * 1024 * 1024,
        keep: int = 1_000,
    ) -> None:
        self._world = world
        self._capabilities = Capabilities("memory", False, False, lease, dedupe_window, max_size)
        self._limits = Limits(lease, dedupe_window, ingress_capacity, ingress_bytes, keep)
        self._topics: dict[str, MemoryTopic] = {}
        self._closed = False
        self._published = 0

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do."""
        return self._capabilities

    async def ensure(self, topics: Iterable[Topic]) -> None:
        """Create what is missing, then compare. Raises ``config.two_groups``, ``config.breaks_promise``."""
        for topic in topics:
            known = self._topics.get(topic.name)
            if known is None:
                known = self._topics[topic.name] = MemoryTopic(topic.name, topic.kind, self._world, self._limits)
            same_class(topic, known.kind)
            for group in topic.groups:
                known.queue(group)

    async def topics(self) -> Mapping[str, TopicClass]:
        """Every topic that exists, with its class."""
        return {name: topic.kind for name, topic in self._topics.items()}

    async def publish(self, topic: str, message: Message) -> Receipt:
        """Return once ``message`` is stored."""
        self._published += 1
        if self._published % BREATH == 0:
            await asyncio.sleep(0)
        if self._closed:
            raise BusError("bus.closed", "the bus is closed")
        check_message(message, limit=self._capabilities.max_size)
        return self._topic(topic).publish(message)

    async def publish_many(self, items: Sequence[tuple[str, Message]]) -> list[Receipt]:
        """Like ``publish`` for each."""
        return [await self.publish(topic, message) for topic, message in items]

    def consume(self, topic: str, group: str, *, max_in_flight: int) -> AsyncIterator[Handed]:
        """Deliveries for ``group`` until it is closed. Raises ``config.two_groups``, ``slip.unroutable``."""
        if self._closed:
            return nothing()
        return Consumption(self._topic(topic).queue(group), max_in_flight=max_in_flight)

    async def healthy(self) -> bool:
        """Whether a publish would work now."""
        return not self._closed

    async def close(self) -> None:
        """Stop consuming and put back what is in hand. What is stored goes with the object. Idempotent."""
        self._closed = True
        for topic in self._topics.values():
            for queue in topic.queues.values():
                queue.close()

    def _topic(self, name: str) -> MemoryTopic:
        topic = self._topics.get(name)
        if topic is None:
            raise no_topic(name)
        return topic
