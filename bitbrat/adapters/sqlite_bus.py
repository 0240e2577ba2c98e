"""The bus of one machine, in an SQLite file: it survives a kill at any moment. One process owns the file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

from bitbrat.adapters.consuming import Consumption, nothing
from bitbrat.adapters.delivering import Handed
from bitbrat.adapters.group_queue import GroupQueue
from bitbrat.adapters.sqlite_file import SqliteFile
from bitbrat.adapters.sqlite_publish import Limits, Publisher
from bitbrat.adapters.sqlite_schema import migrate
from bitbrat.adapters.sqlite_settle import Settler
from bitbrat.adapters.sqlite_shelf import SqliteShelf
from bitbrat.adapters.sqlite_tables import CHANGES
from bitbrat.adapters.sqlite_topic import SqliteTopic, read_topics
from bitbrat.adapters.topology import no_topic, one_group, same_class
from bitbrat.bus import Capabilities, Message, Receipt, check_message
from bitbrat.errors import BitBratError, BusError
from bitbrat.topics import Topic, TopicClass
from bitbrat.world import World

HEALTHY_WITHIN = 5.0
"""Seconds in which a healthy disk takes a small write."""


class SqliteBus:
    """A :class:`bitbrat.bus.Bus` in the file at ``path``. Times in seconds, sizes in bytes.

    ``ingress_capacity`` (messages) and ``ingress_bytes`` say when an ingress topic is full. A log topic keeps for groups to
    come its newest ``keep`` messages that are not older than ``keep_for``, and all that some group has not settled. Raises
    ``bus.in_use`` when another process owns the file, ``store.schema`` when a newer program wrote it.
    """

    def __init__(
        self,
        path: str | Path,
        world: World,
        *,
        lease: float = 30.0,
        dedupe_window: float = 120.0,
        max_size: int = 1024 * 1024,
        ingress_capacity: int = 1_000_000,
        ingress_bytes: int = 1024 * 1024 * 1024,
        keep: int = 100_000,
        keep_for: float = 7 * 86_400.0,
    ) -> None:
        self._world = world
        self._capabilities = Capabilities("sqlite", True, False, lease, dedupe_window, max_size)
        self._file = SqliteFile(path, area="bus")
        try:
            self._topics = dict(self._file.set_up(_open))
        except BitBratError:
            self._file.give_up()
            raise
        self._publisher = Publisher(self._file, world, Limits(dedupe_window, ingress_capacity, ingress_bytes))
        self._settler = Settler(self._file, world, self._topics, keep=keep, keep_for=keep_for)
        self._closed = False
        for topic in self._topics.values():
            for group in topic.readers:  # nothing of a log is trimmed that a group has not read, running or not
                self._new_queue(topic, group)

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do."""
        return self._capabilities

    async def ensure(self, topics: Iterable[Topic]) -> None:
        """Create what is missing, then compare. Raises ``config.two_groups``, ``config.breaks_promise``."""
        self._check_open()
        for topic in topics:
            known = self._topics.get(topic.name) or await self._create(topic)
            same_class(topic, known.kind)
            for group in topic.groups:
                self._queue(known, group)
        await self._file.run(lambda _connection: None)  # the groups are on the disk

    async def topics(self) -> Mapping[str, TopicClass]:
        """Every topic that exists, with its class."""
        return {name: topic.kind for name, topic in self._topics.items()}

    async def publish(self, topic: str, message: Message) -> Receipt:
        """Return once ``message`` is on the disk."""
        self._check_open()
        check_message(message, limit=self._capabilities.max_size)
        return (await self._publisher.publish(((self._topic(topic), message),)))[0]

    async def publish_many(self, items: Sequence[tuple[str, Message]]) -> list[Receipt]:
        """Like ``publish`` for each, with one commit; when one is refused before that, none is stored."""
        self._check_open()
        for _, message in items:
            check_message(message, limit=self._capabilities.max_size)
        return await self._publisher.publish([(self._topic(topic), message) for topic, message in items])

    def consume(self, topic: str, group: str, *, max_in_flight: int) -> AsyncIterator[Handed]:
        """Deliveries for ``group`` until it is closed. Raises ``config.two_groups``, ``slip.unroutable``."""
        if self._closed:
            return nothing()
        return Consumption(self._queue(self._topic(topic), group), max_in_flight=max_in_flight)

    async def healthy(self) -> bool:
        """Whether a publish would work now: whether a small write reaches the disk."""
        try:
            await asyncio.wait_for(self._file.run(_touch), HEALTHY_WITHIN)
        except (BusError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Stop consuming, put back what is in hand, finish what was asked for, let go of the file. Idempotent."""
        if not self._closed:
            self._closed = True
            for topic in self._topics.values():
                for queue in topic.queues.values():
                    queue.close()
                for shelf in topic.shelves.values():
                    shelf.close()
        await self._file.close()

    async def _create(self, topic: Topic) -> SqliteTopic:
        def work(connection: sqlite3.Connection) -> SqliteTopic:
            connection.execute("INSERT OR IGNORE INTO bus_topics (name, kind) VALUES (?, ?)", (topic.name, topic.kind))
            number, kind = connection.execute("SELECT number, kind FROM bus_topics WHERE name = ?", (topic.name,)).fetchone()
            return SqliteTopic(connection, number, topic.name, kind)

        made = await self._file.run(work)
        return self._topics.setdefault(topic.name, made)

    def _queue(self, topic: SqliteTopic, group: str) -> GroupQueue:
        queue = topic.queues.get(group)
        if queue is None:
            one_group(topic.name, topic.kind, topic.queues, group)
            queue = self._new_queue(topic, group)
            row = (topic.number, group, topic.first, topic.first)
            self._file.post(lambda connection: connection.execute("INSERT OR IGNORE INTO bus_groups VALUES (?, ?, ?, ?)", row))
        return queue

    def _new_queue(self, topic: SqliteTopic, group: str) -> GroupQueue:
        shelf = SqliteShelf(self._file, self._world, self._settler.settle, topic=topic.number, group=group, old=topic.old)
        self._file.read_now(lambda connection: shelf.load(connection, log=topic.kind == "log", first=topic.first))
        cursor = shelf.position.floor if shelf.position else topic.first
        queue = GroupQueue(topic.name, shelf, self._world, lease=self._capabilities.lease, cursor=cursor, last=topic.last)
        topic.shelves[group], topic.queues[group] = shelf, queue
        return queue

    def _topic(self, name: str) -> SqliteTopic:
        topic = self._topics.get(name)
        if topic is None:
            raise no_topic(name)
        return topic

    def _check_open(self) -> None:
        if self._closed:
            raise BusError("bus.closed", "the bus is closed")


def _open(connection: sqlite3.Connection) -> Mapping[str, SqliteTopic]:
    migrate(connection, "bus", CHANGES)
    connection.execute("DELETE FROM bus_notes WHERE done = 0 AND seq NOT IN (SELECT seq FROM bus_messages)")
    return read_topics(connection)


def _touch(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE bus_ids_turn SET since = since")
