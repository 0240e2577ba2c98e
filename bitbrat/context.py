"""What a handler sees besides its envelope.

A handler cannot acknowledge, pick a topic or touch the slip: nothing here can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from bitbrat.envelope import Envelope, User
from bitbrat.errors import ConfigError
from bitbrat.store import Document, FinalRecord, Store, Write
from bitbrat.topics import COMPLETE, TopicRegistry
from bitbrat.world import World, named_id

if TYPE_CHECKING:
    import aiohttp


class Log(Protocol):
    """A structured logger: an event and its fields."""

    def info(self, event: str, **fields: Any) -> Any:
        """Worth knowing."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Worth a look."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """Somebody has to act."""
        ...


class Documents(Protocol):
    """What ``ctx.tx`` offers: JSON documents by collection and key, changed with the hop or not at all."""

    async def get(self, collection: str, key: str) -> Any | None:
        """The value of a document, or None."""
        ...

    async def put(self, collection: str, key: str, value: Any) -> None:
        """Write a document: any JSON value."""
        ...

    async def delete(self, collection: str, key: str) -> None:
        """Remove a document; no matter if it is there."""
        ...

    async def find(self, collection: str, *, prefix: str = "", limit: int = 100) -> list[Document]:
        """Documents whose key begins with ``prefix``, by key."""
        ...

    async def record(self, final: FinalRecord) -> bool:
        """Write an envelope's final record; False: there was one already. For the finalizer and the dead letters."""
        ...


class Surroundings(Protocol):
    """What the runtime gives to every context of a service."""

    @property
    def world(self) -> World:
        """Time, ids, randomness."""
        ...

    @property
    def log(self) -> Log:
        """The service's logger."""
        ...

    @property
    def settings(self) -> Any:
        """The service's typed settings."""
        ...

    @property
    def state(self) -> Any:
        """What the service keeps in this process."""
        ...

    @property
    def registry(self) -> TopicRegistry:
        """The topics and steps of this deployment."""
        ...

    def count(self, name: str, labels: Mapping[str, str]) -> None:
        """Count one more of ``name``."""
        ...

    def gauge(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """Say what ``name`` is now."""
        ...

    def http(self) -> aiohttp.ClientSession:
        """The process's shared HTTP client."""
        ...


class _Common:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    @property
    def log(self) -> Log:
        """The service's structured logger."""
        return self._around.log

    @property
    def settings(self) -> Any:
        """The service's typed settings; None when it declared none."""
        return self._around.settings

    @property
    def state(self) -> Any:
        """What the service keeps in this process, made by its ``state`` factory: connections, loaded files. Never events."""
        return self._around.state

    @property
    def registry(self) -> TopicRegistry:
        """The topics and the steps that this process knows of."""
        return self._around.registry

    @property
    def http(self) -> aiohttp.ClientSession:
        """An aiohttp session that the whole process shares."""
        return self._around.http()

    def now(self) -> datetime:
        """The time, UTC."""
        return self._around.world.now()

    def random(self) -> float:
        """A number in [0, 1), from the injected randomness."""
        return self._around.world.random()

    def count(self, name: str, **labels: str) -> None:
        """Count one more of ``name``, a dotted name. Labels are few and fixed: never a user, a text or an id."""
        self._around.count(name, labels)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Say what ``name`` is now; labels as for :meth:`count`."""
        self._around.gauge(name, value, labels)


Once = Callable[[str, Callable[[], Awaitable[Mapping[str, Any]]]], Awaitable[Mapping[str, Any]]]


class Context(_Common):
    """One hop's view of the world.

    ``hop_id`` is the idempotency key to hand to the outside; it does not change with the attempt. ``attempt`` counts
    from 0.
    """

    def __init__(
        self,
        around: Surroundings,
        envelope: Envelope | None,
        hop_id: str,
        attempt: int,
        *,
        tx: Documents | None = None,
        once: Once | None = None,
    ) -> None:
        super().__init__(around)
        self.hop_id = hop_id
        self.attempt = attempt
        self._envelope = envelope
        self._tx = tx
        self._once = once
        self.emitted: list[Envelope] = []
        self.once_keys: list[str] = []

    @property
    def tx(self) -> Documents:
        """The documents of this hop's transaction. Raises ``config.no_transaction`` where the step declared none."""
        if self._tx is None:
            raise ConfigError("config.no_transaction", "ctx.tx needs effects='transactional' or 'leased' on this step")
        return self._tx

    async def once(self, key: str, call: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        """What ``call`` returned for ``key``, calling it at most once, however often this hop runs.

        Raises ``StepFailed`` ``step.unknown_outcome`` when an earlier call was cut off; a ``StepFailed`` with
        ``retryable`` from ``call`` says that nothing was done, and leaves it open.
        """
        if self._once is None:
            raise ConfigError("config.no_transaction", "ctx.once needs a hop that claims")
        self.once_keys.append(key)
        return await self._once(key, call)

    def emit(self, event_type: str, payload: Mapping[str, Any]) -> None:
        """A new event of the same correlation, stored with this hop's outcome; it enters the platform at ingress."""
        cause = self._envelope
        if cause is None:
            raise ConfigError("config.bad", "a raw message cannot emit an event")
        identity = named_id(f"emit:{self.hop_id}:{len(self.emitted)}")
        event = Envelope.model_validate(
            {
                "v": "1",
                "id": identity,
                "correlationId": cause.correlation_id,
                "traceId": cause.trace_id,
                "timestamp": self.now(),
                "type": event_type,
                "source": cause.source.to_wire(),
                "user": cause.user.to_wire(),
                "routingSlip": [],
                "finalizationDestination": cause.finalization_destination or COMPLETE,
                "payload": dict(payload),
                **({"simulated": True} if cause.simulated else {}),
            }
        )
        self.emitted.append(event)


@dataclass
class Buffered:
    """Documents for a hop without an open transaction: reads see the store, writes wait for the hop's commit."""

    store: Store
    writes: dict[tuple[str, str], Write] = field(default_factory=dict)

    async def get(self, collection: str, key: str) -> Any | None:
        """The value as this hop has written it, else as it is stored."""
        written = self.writes.get((collection, key))
        if written is not None:
            return None if written.delete else written.value
        stored = await self.store.get(collection, key)
        return None if stored is None else stored.value

    async def put(self, collection: str, key: str, value: Any) -> None:
        """Write it with the hop's commit."""
        self.writes[collection, key] = Write(collection, key, value)

    async def delete(self, collection: str, key: str) -> None:
        """Remove it with the hop's commit."""
        self.writes[collection, key] = Write(collection, key, delete=True)

    async def find(self, collection: str, *, prefix: str = "", limit: int = 100) -> list[Document]:
        """Stored documents, without what this hop has not committed yet."""
        return await self.store.find(collection, prefix=prefix, limit=limit)

    async def record(self, final: FinalRecord) -> bool:
        """Refused: a final record needs a transaction of its hop."""
        raise ConfigError("config.no_transaction", f"the final record of {final.id} needs effects='transactional'")


class ServiceContext(_Common):
    """What routes and background tasks of a service see."""

    def __init__(self, around: Surroundings, ingest: Callable[..., Awaitable[Envelope]], store: Store) -> None:
        super().__init__(around)
        self._ingest = ingest
        self.store = store

    @property
    def world(self) -> World:
        """Time, ids and randomness, for connectors that are built on them."""
        return self._around.world

    async def ingest(
        self,
        source_event_id: str,
        event_type: str,
        payload: Mapping[str, Any],
        *,
        platform: str,
        connection: str,
        event_class: str = "event",
        channel: str = "",
        channel_id: str = "",
        user: User | None = None,
        egress_destination: str | None = None,
        simulated: bool = False,
        momentary: bool = False,
    ) -> Envelope:
        """Mint an envelope for an outside event and return it once the bus has stored it.

        ``source_event_id`` is the source's own id, so that the same event gives the same envelope; "" makes a new one.
        ``momentary``: it is not an id but made of what the event says, and tells events apart for half a minute only.
        Raises ``BusFull``, ``BusUnavailable`` and ``EnvelopeError``; then nothing was accepted.
        """
        return await self._ingest(
            source_event_id,
            event_type,
            payload,
            platform=platform,
            connection=connection,
            event_class=event_class,
            channel=channel,
            channel_id=channel_id,
            user=user,
            egress_destination=egress_destination,
            simulated=simulated,
            momentary=momentary,
        )
