"""The port to a message bus. Every adapter keeps these promises, and ``tests/contract/test_bus.py`` holds it to them.

Source: ``docs/reference/contract.md`` §2, §4 and ``docs/concepts/delivery.md``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bitbrat.errors import BusError
from bitbrat.topics import Topic, TopicClass

WIRE_ID = "bb-wire-id"
ENVELOPE_ID = "bb-envelope-id"
CORRELATION_ID = "bb-correlation-id"
TYPE = "bb-type"
TRACEPARENT = "traceparent"
REASON = "bb-reason"
SOURCE_TOPIC = "bb-source-topic"
GROUP = "bb-group"

ALLOWED_HEADERS = frozenset({WIRE_ID, ENVELOPE_ID, CORRELATION_ID, TYPE, TRACEPARENT, REASON, SOURCE_TOPIC, GROUP})
"""The only header names there are. Nothing from an envelope's attributes or payload ever becomes a header."""

MAX_HEADER_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: the wire id (the bus's dedupe key), the bytes, the headers (allow-listed, ASCII)."""

    id: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The bus's word that a message is stored. ``duplicate``: its id was stored before, inside the dedupe window."""

    duplicate: bool = False


@dataclass(frozen=True)
class Capabilities:
    """What an adapter can do, printed at start and tested by the contract suite. Times in seconds, sizes in bytes.

    ``durable``: survives a kill of this process. ``shared``: several processes may use it at once. ``lease``: how long
    a delivery may stay unsettled before it comes back. ``dedupe_window``: how long a wire id is remembered.
    """

    name: str
    durable: bool
    shared: bool
    lease: float
    dedupe_window: float
    max_size: int


class Delivery(Protocol):
    """One message in hand. It is settled once: the first of ack, nak and term counts, later ones do nothing."""

    @property
    def topic(self) -> str:
        """The topic it was taken from."""
        ...

    @property
    def data(self) -> bytes:
        """The bytes as they were published."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers as they were published, the wire id among them as ``bb-wire-id``."""
        ...

    @property
    def deliveries(self) -> int:
        """How often the bus has handed this message out, this time included (1 at first). A backstop only: brokers forget."""
        ...

    async def ack(self) -> None:
        """Done: it never comes back."""
        ...

    async def nak(self, *, delay: float) -> None:
        """Not now: it comes back to the group, not before ``delay`` seconds have passed."""
        ...

    async def term(self) -> None:
        """Never again, and not done. Only for what has been stored elsewhere already."""
        ...

    async def extend(self) -> None:
        """Still at work: the lease starts anew. Harmless when it is settled or lost."""
        ...


class Bus(Protocol):
    """Topics in, topics out. A ``step`` or ``ingress`` topic has one group, a ``log`` topic any number.

    A message that is published before anyone listens waits. Members of one group share; each group of a ``log`` topic
    gets every message. What is in hand when a consumer stops, or a process dies, comes back.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do."""
        ...

    async def ensure(self, topics: Iterable[Topic]) -> None:
        """Create what is missing, then compare what there is with what was asked. Idempotent.

        Raises ``config.two_groups`` for a second group on a step topic, ``config.breaks_promise`` when what exists
        differs in what the promise needs.
        """
        ...

    async def topics(self) -> Mapping[str, TopicClass]:
        """Every topic that exists, with its class."""
        ...

    async def publish(self, topic: str, message: Message) -> Receipt:
        """Return once ``message`` is stored.

        Raises ``BusFull`` (an ingress topic only), ``BusUnavailable`` (it may or may not be stored: publish it again
        with the same id), ``BusError`` ``bus.bad_header``, ``bus.forbidden_header``, ``bus.closed``,
        ``envelope.too_large``, ``slip.unroutable`` (there is no such topic).
        """
        ...

    async def publish_many(self, items: Sequence[tuple[str, Message]]) -> list[Receipt]:
        """Like ``publish`` for each, together: all are stored when it returns; when it raises, any may be."""
        ...

    def consume(self, topic: str, group: str, *, max_in_flight: int) -> AsyncIterator[Delivery]:
        """Deliveries for ``group``, at most ``max_in_flight`` unsettled at once, until it is closed (``aclose``).

        Closing puts back what has been taken but not handed out. Ends by itself when the bus is closed. Raises
        ``config.two_groups`` when another group has the step topic, ``slip.unroutable`` when there is no such topic.
        """
        ...

    async def healthy(self) -> bool:
        """Whether a publish would work now."""
        ...

    async def close(self) -> None:
        """Stop consuming, put back what is in hand, let go of everything. Afterwards publish raises ``bus.closed``. Idempotent."""
        ...


def check_message(message: Message, *, limit: int) -> None:
    """Refuse what must not reach a broker, whichever it is. Raises ``BusError``."""
    if len(message.data) > limit:
        raise BusError("envelope.too_large", f"the message has {len(message.data)} bytes, this bus takes {limit}")
    size = 0
    for name, value in message.headers.items():
        if name not in ALLOWED_HEADERS:
            raise BusError("bus.forbidden_header", f"the header {name!r:.60} is not on the allow list")
        if not value.isascii() or not value.isprintable():
            raise BusError("bus.bad_header", f"the header {name} is not printable ASCII")
        size += len(name) + len(value)
    if size > MAX_HEADER_BYTES or not message.id.isascii() or not message.id.isprintable():
        raise BusError("bus.bad_header", f"the headers have {size} bytes, the limit is {MAX_HEADER_BYTES}; ids are printable ASCII")
