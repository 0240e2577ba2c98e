"""The port to a store: inbox, outbox, documents and final records, changed together or not at all.

Every adapter keeps these promises, and ``tests/contract/test_store.py`` holds it to them. The protocol that a hop follows
with it is in ``docs/concepts/delivery.md``. Times that decide anything (leases, due times) are read from the store's own
clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

ClaimState = Literal["run", "done", "stale", "running", "unknown", "crash_loop"]
FinalOutcome = Literal["completed", "handled", "failed", "dead_lettered", "pending_reply"]
FinalState = Literal["open", "replaying", "replayed", "discarded"]


@dataclass(frozen=True, slots=True)
class Hop:
    """A hop to be executed once: the group that executes it, its id (``docs/reference/contract.md`` §4), the attempt.

    ``digest`` of the content is kept with the hop where it is given, so that another content under the same id is noticed.
    """

    group: str
    id: str
    attempt: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row of the outbox: a message that is decided and not known to be stored by the bus yet.

    ``not_before`` holds it back. ``hop`` is the one that decided it (None: nobody's, ingress for one).
    """

    wire_id: str
    topic: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    not_before: datetime | None = None
    hop: Hop | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The store's answer to who wants to execute a hop.

    ``run``: go on. ``done``: decided already; ``outbox`` holds what is still unsent of it. ``stale``: a higher attempt is
    decided; the same. ``running``: somebody else has it for ``wait`` more seconds. ``unknown``: an intent whose owner is
    gone; the caller owns the hop now and must not repeat the call. ``crash_loop``: started too often; the caller owns the
    hop now and must not run the handler. ``starts`` counts this start too. ``digest`` is that of the hop when it was decided.
    """

    state: ClaimState
    starts: int = 0
    wait: float = 0.0
    outbox: tuple[Outgoing, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One change of a document; ``value`` None with ``delete`` True removes it."""

    collection: str
    key: str
    value: Any = None
    delete: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document with its version, which counts its writes from 1."""

    key: str
    value: Any
    version: int


@dataclass(frozen=True)
class FinalRecord:
    """How one envelope ended: the one row of its id, written by the finalizer or by the dead-letter handler.

    ``id`` is the envelope id, or ``sha256:<hex>`` of bytes that nobody could read. ``data`` are the whole original bytes.
    ``code`` and ``fingerprint`` say why it failed and with which others it belongs. ``surplus`` counts arrivals after the
    first. ``replays`` counts the replays made of it. ``detail`` is what people see: timings, rule, replies (JSON).
    """

    id: str
    outcome: FinalOutcome
    at: datetime
    data: bytes
    correlation_id: str = ""
    type: str = ""
    code: str = ""
    fingerprint: str = ""
    source_topic: str = ""
    group: str = ""
    replay_of: str = ""
    state: FinalState = "open"
    surplus: int = 0
    replays: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreCapabilities:
    """What an adapter can do. ``durable``: survives a kill of this process. ``shared``: several processes at once."""

    name: str
    durable: bool
    shared: bool


class Transaction(Protocol):
    """Changes that are committed together at the end, or, after an exception, not at all. It sees its own writes.

    What it has read stays locked against other transactions of the same store until it ends.
    """

    async def claim(self, hop: Hop, *, max_starts: int) -> Claim:
        """Claim ``hop`` inside this transaction: another transaction that wants it waits for this one's end.

        Answers ``run``, ``done``, ``stale`` or ``crash_loop``. Counts no start: a transaction that dies leaves nothing.
        """
        ...

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
        """Write the final record of an envelope unless there is one (a ``pending_reply`` is replaced by a later end).

        False: there was one already; its ``surplus`` is counted up instead.
        """
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Undo, after an exception inside, what was written inside; the exception goes on."""
        ...

    async def finish(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing]) -> None:
        """Decide ``hop`` (for ``retry``, ``hop.attempt`` is the attempt to come) and put what it sends into the outbox."""
        ...

    async def enqueue(self, message: Outgoing) -> None:
        """Put a message into the outbox. One whose wire id waits there already is not put twice."""
        ...


class Store(Protocol):
    """See the module's docstring. Raises ``StoreUnavailable`` when it does not answer, ``StoreError`` when it refuses."""

    @property
    def capabilities(self) -> StoreCapabilities:
        """What this store can do."""
        ...

    async def open(self) -> None:
        """Connect and make sure of the schema. Idempotent."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go. Afterwards everything raises ``store.closed``. Idempotent."""
        ...

    async def healthy(self) -> bool:
        """Whether a commit would work now."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        ...

    async def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool = False) -> Claim:
        """Claim ``hop`` for ``owner`` for ``lease`` seconds, committed at once; counts a start.

        ``intent`` marks a call that must not be repeated. A hop whose owner's lease is over is taken over.
        """
        ...

    async def count_start(self, hop: Hop) -> int:
        """Count a start of ``hop`` that no claim counts (a transaction's), committed at once; returns the count so far."""
        ...

    async def heartbeat(self, hop: Hop, *, owner: str, lease: float) -> bool:
        """Hold the claim for ``lease`` more seconds. False: it is somebody else's now."""
        ...

    async def release(self, hop: Hop, *, owner: str) -> None:
        """Give the claim back as if it had never started (cancelled at shutdown, or nothing was done). Not an attempt."""
        ...

    async def commit(
        self,
        hop: Hop,
        state: Literal["done", "retry"],
        outbox: Iterable[Outgoing],
        *,
        owner: str,
        writes: Sequence[Write] = (),
    ) -> bool:
        """Decide a claimed hop: its state, its outbox and its document writes, together.

        False: ``owner`` has lost the claim; nothing was written, throw the result away.
        """
        ...

    async def enqueue(self, messages: Iterable[Outgoing]) -> None:
        """Put messages into the outbox that belong to no claim (a put-back, an ingress). Wire ids waiting already are left alone."""
        ...

    async def unsent(self, *, grace: float, limit: int) -> list[Outgoing]:
        """Outbox rows to be published now: due, and in the outbox for more than ``grace`` seconds or held back until now."""
        ...

    async def next_due(self) -> float | None:
        """Seconds until the next held-back row is due (0 when one is), or None when none is held back."""
        ...

    async def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """The bus has stored these. Losing this mark costs one harmless re-publish."""
        ...

    async def purge(self, *, older_than: timedelta) -> int:
        """Forget decided hops older than ``older_than``; returns how many. Unsent outbox rows and their hops stay."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Sizes for people and metrics: ``outbox``, ``inbox``, ``final.<outcome>``, ``final.surplus``."""
        ...

    # Final records

    async def final(self, envelope_id: str) -> FinalRecord | None:
        """The final record of an envelope, by its id or an unambiguous beginning of it (8 characters or more)."""
        ...

    async def finals(
        self,
        *,
        outcomes: Sequence[FinalOutcome] = (),
        states: Sequence[FinalState] = (),
        fingerprint: str = "",
        correlation_id: str = "",
        after: tuple[datetime, str] | None = None,
        newest_first: bool = True,
        limit: int = 100,
    ) -> list[FinalRecord]:
        """Final records by (``at``, ``id``), filtered; ``after`` continues behind the last one seen, in the chosen direction."""
        ...

    async def next_replay(self, envelope_id: str) -> int | None:
        """Count a replay of this record and return its number (from 1), by compare-and-set; None: no such record.

        Only a record whose state is ``open`` gives a number; its state becomes ``replaying``. ``-1``: it is not open.
        """
        ...

    async def set_state(self, envelope_id: str, state: FinalState) -> bool:
        """Set what an operator did about a record. False: no such record."""
        ...

    # Documents, outside of a hop

    async def get(self, collection: str, key: str) -> Document | None:
        """A document with its version, or None."""
        ...

    async def put(self, collection: str, key: str, value: Any, *, expected: int | None = None) -> int:
        """Write a document and return its version. ``expected``: only if it has that version (0: only if it is not there).

        Raises ``store.conflict`` otherwise.
        """
        ...

    async def delete(self, collection: str, key: str) -> None:
        """Remove a document; no matter if it is there."""
        ...

    async def find(self, collection: str, *, prefix: str = "", limit: int = 100) -> list[Document]:
        """Documents whose key begins with ``prefix``, by key."""
        ...
