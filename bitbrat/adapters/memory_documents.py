"""Documents and final records in dictionaries, as JSON text, so that nobody changes what is stored by changing what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bitbrat.adapters.tables import Ended, Filter, Put
from bitbrat.adapters.values import PREFIX_LENGTH
from bitbrat.errors import StoreError
from bitbrat.store import Document, FinalRecord, FinalState


class MemoryDocuments:
    """Documents by collection and key: JSON text and version."""

    def __init__(self) -> None:
        self._collections: dict[str, dict[str, tuple[str, int]]] = {}

    def get(self, collection: str, key: str) -> Document | None:
        """See the port."""
        found = self._collections.get(collection, {}).get(key)
        return Document(key, json.loads(found[0]), found[1]) if found else None

    def put(self, collection: str, key: str, text: str, *, expected: int | None = None) -> int:
        """See the port."""
        documents = self._collections.setdefault(collection, {})
        version = documents[key][1] if key in documents else 0
        if expected is not None and expected != version:
            raise conflict(collection, key, expected, version)
        documents[key] = (text, version + 1)
        return version + 1

    def delete(self, collection: str, key: str) -> None:
        """See the port."""
        self._collections.get(collection, {}).pop(key, None)

    def find(self, collection: str, *, prefix: str, limit: int) -> list[Document]:
        """See the port."""
        documents = self._collections.get(collection, {})
        keys = sorted(key for key in documents if key.startswith(prefix))[:limit]
        return [Document(key, json.loads(documents[key][0]), documents[key][1]) for key in keys]

    def write(self, writes: Sequence[Put]) -> None:
        """Put and remove documents."""
        for put in writes:
            if put.text is None:
                self.delete(put.collection, put.key)
            else:
                self.put(put.collection, put.key, put.text)


class MemoryFinals:
    """Final records by envelope id."""

    def __init__(self) -> None:
        self._finals: dict[str, Ended] = {}

    def end(self, ended: Ended) -> None:
        """Write the record, or count the surplus arrival."""
        record = ended.record
        known = self._finals.get(record.id)
        if known:
            before = known.record
            if before.outcome != "pending_reply" or record.outcome == "pending_reply":
                self._change(before, surplus=before.surplus + 1)
                return
            record = replace(record, surplus=before.surplus, replays=before.replays, state=before.state)
        self._finals[record.id] = Ended(record, ended.detail)

    def ended(self, envelope_id: str) -> FinalRecord | None:
        """The record of exactly this id."""
        known = self._finals.get(envelope_id)
        return _shown(known) if known else None

    def final(self, envelope_id: str) -> FinalRecord | None:
        """See the port."""
        exact = self._finals.get(envelope_id)
        if exact or len(envelope_id) < PREFIX_LENGTH:
            return _shown(exact) if exact else None
        found = [one for key, one in self._finals.items() if key.startswith(envelope_id)]
        return _shown(found[0]) if len(found) == 1 else None

    def finals(self, which: Filter) -> list[FinalRecord]:
        """See the port."""
        found = sorted(self._matching(which), key=lambda one: _place(one.record), reverse=which.newest_first)
        return [_shown(one) for one in found[: which.limit]]

    def next_replay(self, envelope_id: str) -> int | None:
        """See the port."""
        known = self._finals.get(envelope_id)
        if known is None:
            return None
        if known.record.state != "open":
            return -1
        self._change(known.record, state="replaying", replays=known.record.replays + 1)
        return known.record.replays + 1

    def set_state(self, envelope_id: str, state: FinalState) -> bool:
        """See the port."""
        known = self._finals.get(envelope_id)
        if known:
            self._change(known.record, state=state)
        return known is not None

    def _change(self, record: FinalRecord, **changes: object) -> None:
        known = self._finals[record.id]
        self._finals[record.id] = Ended(replace(record, **changes), known.detail)  # type: ignore[arg-type]

    def _matching(self, which: Filter) -> Iterator[Ended]:
        for one in self._finals.values():
            record = one.record
            if (
                (not which.outcomes or record.outcome in which.outcomes)
                and (not which.states or record.state in which.states)
                and (not which.fingerprint or record.fingerprint == which.fingerprint)
                and (not which.correlation_id or record.correlation_id == which.correlation_id)
                and (not which.after or (_place(record) < which.after if which.newest_first else _place(record) > which.after))
            ):
                yield one


def conflict(collection: str, key: str, expected: int, version: int) -> StoreError:
    """The error of a document that was changed in between."""
    return StoreError("store.conflict", f"{collection}/{key} has version {version}, not {expected}")


def _place(record: FinalRecord) -> tuple[object, str]:
    return record.at, record.id


def _shown(ended: Ended) -> FinalRecord:
    return replace(ended.record, detail=json.loads(ended.detail))
