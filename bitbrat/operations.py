"""What operators do about failures: list, group, show, replay, discard. For the command line and the API.

Final records of both kinds, failed and dead-lettered, are one list here. A replay is a new envelope; the original stays as it
was, and leaves the failures only when its replay has ended well. Source: ``docs/reference/contract.md`` §3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from bitbrat.codec import decode
from bitbrat.envelope import Annotation, Envelope, format_time
from bitbrat.errors import BitBratError, EnvelopeError, SlipError
from bitbrat.outcome import Dispatch
from bitbrat.replay import Mode
from bitbrat.replay import replay as replay_of
from bitbrat.store import FinalOutcome, FinalRecord, FinalState, Store
from bitbrat.world import World

FAILURES: tuple[FinalOutcome, ...] = ("failed", "dead_lettered")
OPEN: tuple[FinalState, ...] = ("open", "replaying")
STALE = timedelta(minutes=2)
"""Replies to what is older than this are suppressed unless they are asked for: nobody in chat remembers the question."""

REPLAYS = "replays"
"""Documents: who replayed what, when and why, by the id of the replay."""
REPLAYING = "replaying"
"""Documents: originals whose replay has not ended, by their id; the finalizer's sweeper clears them."""
PAGE = 500

Send = Callable[[Dispatch], Awaitable[None]]
Egress = Literal["auto", "live", "suppress"]


class OperationError(BitBratError):
    """What an operator asked for cannot be done: ``dlq.not_found``, ``dlq.unreadable``, ``dlq.not_open``."""


@dataclass(frozen=True)
class FailureGroup:
    """Failures that belong together: how many, since when, until when, and what they have in common."""

    fingerprint: str
    count: int
    step: str
    code: str
    message: str
    first: datetime
    last: datetime
    newest: str
    states: tuple[FinalState, ...]

    def with_older(self, record: FinalRecord) -> FailureGroup:
        """This group and one more record, which is not newer than any in it."""
        states = self.states if record.state in self.states else tuple(sorted((*self.states, record.state)))
        return replace(self, count=self.count + 1, first=record.at, states=states)

    def to_json(self) -> dict[str, Any]:
        """For ``--json`` and the API."""
        named = {"fingerprint": self.fingerprint, "count": self.count, "step": self.step, "code": self.code, "message": self.message}
        return {**named, "first": format_time(self.first), "last": format_time(self.last), "newest": self.newest, "states": self.states}


@dataclass(frozen=True)
class Replayed:
    """A replay that is on its way: its ``id``, its ``original``, its ``number``, where it begins, and whether replies go out."""

    id: str
    original: str
    number: int
    mode: Mode
    topic: str
    egress: Literal["live", "suppressed"]

    def to_json(self) -> dict[str, Any]:
        """For ``--json`` and the API."""
        return dict(vars(self))


async def failures(
    store: Store,
    *,
    fingerprint: str = "",
    states: Sequence[FinalState] = OPEN,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[FinalRecord]:
    """Failed and dead-lettered records, newest first; ``after`` continues behind the last one seen."""
    return await store.finals(outcomes=FAILURES, states=states, fingerprint=fingerprint, after=after, limit=limit)


async def groups(store: Store, *, states: Sequence[FinalState] = OPEN) -> list[FailureGroup]:
    """All failures by fingerprint, the group with the newest one first."""
    found: dict[str, FailureGroup] = {}
    after: tuple[datetime, str] | None = None
    while True:
        page = await failures(store, states=states, after=after, limit=PAGE)
        for record in page:
            known = found.get(record.fingerprint)
            found[record.fingerprint] = known.with_older(record) if known else _group(record)
        if len(page) < PAGE:
            return list(found.values())
        after = (page[-1].at, page[-1].id)


async def show(store: Store, envelope_id: str) -> FinalRecord:
    """The final record of an envelope, by its id or the beginning of it. Raises ``dlq.not_found``."""
    record = await store.final(envelope_id)
    if record is None:
        raise OperationError("dlq.not_found", f"there is no final record {envelope_id!r:.140}")
    return record


async def discard(store: Store, envelope_id: str) -> FinalRecord:
    """Take a failure off the list for good; its record stays. Raises ``dlq.not_found``, ``dlq.not_open``."""
    record = await show(store, envelope_id)
    _refuse_unless_open(record)
    await store.set_state(record.id, "discarded")
    return await show(store, record.id)


async def replay(
    store: Store,
    world: World,
    send: Send,
    envelope_id: str,
    *,
    mode: Mode = "resume",
    egress: Egress = "auto",
    by: str = "",
    reason: str = "",
) -> Replayed:
    """Send a failure on its way once more and return once it is on the bus.

    Two operators at once make one replay: the second gets ``dlq.not_open``. Raises ``dlq.not_found``, ``dlq.unreadable``,
    and what ``send`` raises: the replay may be on its way then, and if it is not, the failure opens again after an hour.
    """
    record = await show(store, envelope_id)
    _refuse_unless_open(record)
    envelope = _readable(record)
    await store.put(REPLAYING, record.id, {"at": format_time(world.now())})
    number = await store.next_replay(record.id)
    if number is None or number < 0:
        raise _not_open(await show(store, record.id))
    live = egress == "live" or (egress == "auto" and world.now() - envelope.timestamp <= STALE)
    entry = {"original": record.id, "number": number, "mode": mode, "egress": "live" if live else "suppressed", "by": by, "reason": reason}
    dispatch = _with_egress(replay_of(envelope, number=number, mode=mode), envelope, entry)
    await store.put(REPLAYS, dispatch.envelope.id, {**entry, "at": format_time(world.now())})
    try:
        await send(dispatch)
    except (EnvelopeError, SlipError):
        await store.set_state(record.id, "open")
        raise
    return Replayed(dispatch.envelope.id, record.id, number, mode, dispatch.topic, "live" if live else "suppressed")


def _readable(record: FinalRecord) -> Envelope:
    try:
        return decode(record.data)
    except BitBratError as error:
        raise OperationError(
            "dlq.unreadable", f"{record.id:.20} cannot be replayed: its bytes are no envelope", why=f"{error.code}: {error.message}"
        ) from error


def _refuse_unless_open(record: FinalRecord) -> None:
    if record.outcome not in FAILURES:
        raise OperationError("dlq.not_found", f"{record.id} is no failure: it ended as {record.outcome}")
    if record.state != "open":
        raise _not_open(record)


def _not_open(record: FinalRecord) -> OperationError:
    return OperationError("dlq.not_open", f"{record.id} is {record.state} already")


def _with_egress(dispatch: Dispatch, original: Envelope, entry: dict[str, Any]) -> Dispatch:
    """``dispatch`` with a note of who sent it, and with or without the destination of its replies.

    Without a destination nothing is ever sent, by any service, and steps run as they always do (a deadline would keep them
    from retrying). The note keeps it, so that a replay of the replay can speak again.
    """
    source, where = dispatch.envelope.source, _destination(original)
    if entry["egress"] == "live":
        source = source if where is None else source.but(egress_destination=where)
    elif source.egress_destination is not None:
        source = source.without("egress_destination")
    note = Annotation(kind="replay", by="operator", data={**entry, **({"egressDestination": where} if where else {})})
    annotations = (*(a for a in dispatch.envelope.annotations if a.kind != "replay" or a.by != "operator"), note)
    changed = dispatch.envelope.but(source=source, annotations=annotations)
    return replace(dispatch, envelope=changed)


def _destination(envelope: Envelope) -> str | None:
    """Where the replies of an event go, also when an earlier replay kept it quiet."""
    if envelope.source.egress_destination is not None:
        return envelope.source.egress_destination
    notes = [note.data or {} for note in envelope.annotations if note.kind == "replay" and note.by == "operator"]
    return next((note["egressDestination"] for note in reversed(notes) if isinstance(note.get("egressDestination"), str)), None)


def _group(newest: FinalRecord) -> FailureGroup:
    failure = newest.detail.get("failure") or {}
    step, message = str(failure.get("step") or newest.group), str(failure.get("normalised") or failure.get("message") or "")
    return FailureGroup(newest.fingerprint, 1, step, newest.code, message, newest.at, newest.at, newest.id, (newest.state,))
