"""What a store's tables can do, each in one synchronous step: the operations below the port.

``LocalStore`` gives them locks, transactions and the port's names. Lease times are seconds of the lease clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from bitbrat.adapters.inbox import Row
from bitbrat.adapters.values import check_name, to_json
from bitbrat.store import Claim, Document, FinalOutcome, FinalRecord, FinalState, Hop, Outgoing, Write


@dataclass(frozen=True, slots=True)
class Put:
    """A document's new JSON text, or None to remove it."""

    collection: str
    key: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a hop inside its transaction."""

    hop: Hop
    state: Literal["done", "retry"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A final record, with its ``detail`` as JSON text."""

    record: FinalRecord
    detail: str


def encoded(write: Write) -> Put:
    """A write as the tables take it. Raises ``store.bad_value``."""
    check_name(write.collection, write.key)
    return Put(write.collection, write.key, None if write.delete else to_json(write.value))


Change = Put | Decision | Outgoing | Ended
"""One line of a transaction's journal."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which final records, in which order; see ``Store.finals``."""

    outcomes: Sequence[FinalOutcome] = ()
    states: Sequence[FinalState] = ()
    fingerprint: str = ""
    correlation_id: str = ""
    after: tuple[datetime, str] | None = None
    newest_first: bool = True
    limit: int = 100


class Tables(Protocol):
    """See ``bitbrat.store`` for what each promises. None of them waits, and each is atomic."""

    # inbox
    def lease_now(self) -> float:
        """Seconds on the clock of the leases."""
        ...

    def row(self, hop: Hop) -> Row | None:
        """The row as it is."""
        ...

    def claim(self, hop: Hop, *, owner: str, lease: float, max_starts: int, intent: bool) -> Claim:
        """Claim a hop, count a start."""
        ...

    def count_start(self, hop: Hop) -> int:
        """Count a start that no claim counts."""
        ...

    def heartbeat(self, hop: Hop, *, owner: str, lease: float) -> bool:
        """Hold the claim longer."""
        ...

    def release(self, hop: Hop, *, owner: str) -> None:
        """Undo a claim."""
        ...

    def commit(self, hop: Hop, state: Literal["done", "retry"], outbox: Iterable[Outgoing], *, owner: str, writes: Sequence[Put]) -> bool:
        """Decide a claimed hop, with its outbox and its documents."""
        ...

    def purge(self, *, older_than: timedelta) -> int:
        """Forget old decided hops."""
        ...

    # outbox
    def enqueue(self, messages: Iterable[Outgoing]) -> None:
        """Put messages into the outbox."""
        ...

    def unsent_of(self, hop: Hop) -> tuple[Outgoing, ...]:
        """What is still unsent of a hop, in the order in which it is to be sent."""
        ...

    def unsent(self, *, grace: float, limit: int) -> list[Outgoing]:
        """What is to be published now."""
        ...

    def next_due(self) -> float | None:
        """Seconds until the next held-back message is due."""
        ...

    def mark_sent(self, wire_ids: Sequence[str]) -> None:
        """Forget messages that the bus has stored."""
        ...

    # documents
    def get(self, collection: str, key: str) -> Document | None:
        """A document, or None."""
        ...

    def put(self, collection: str, key: str, text: str, *, expected: int | None = None) -> int:
        """Write a document, return its version."""
        ...

    def delete(self, collection: str, key: str) -> None:
        """Remove a document."""
        ...

    def find(self, collection: str, *, prefix: str, limit: int) -> list[Document]:
        """Documents by key."""
        ...

    # final records
    def ended(self, envelope_id: str) -> FinalRecord | None:
        """The final record of exactly this id."""
        ...

    def final(self, envelope_id: str) -> FinalRecord | None:
        """The final record of an id or of an unambiguous beginning."""
        ...

    def finals(self, which: Filter) -> list[FinalRecord]:
        """Final records, filtered and sorted."""
        ...

    def next_replay(self, envelope_id: str) -> int | None:
        """Count a replay of an open record."""
        ...

    def set_state(self, envelope_id: str, state: FinalState) -> bool:
        """Set what an operator did."""
        ...

    # all
    def apply(self, journal: Sequence[Change]) -> None:
        """Do what a transaction has written, in its order."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Sizes."""
        ...
