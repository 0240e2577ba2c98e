"""Every store keeps one final record an envelope."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bitbrat.store import FinalRecord
from tests.contract.stores import START, Rig, final

FULL = final(
    "0198c0de-7b7c-7000-8000-000000000001",
    "failed",
    correlation_id="c",
    type="external.chat.message.v1",
    code="step.crashed",
    fingerprint="f",
    source_topic="internal.greeter.v1",
    group="greeter",
    replay_of="0198",
    detail={"steps": [{"ms": 1.5}], "é": None},
)


async def _record(rig: Rig, *records: FinalRecord) -> list[bool]:
    answers = []
    for record in records:
        async with rig.store.transaction() as tx:
            answers.append(await tx.record(record))
    return answers


async def test_a_record_comes_back_as_it_was_written(rig: Rig) -> None:
    """Every field is kept, the whole original bytes and microseconds included."""
    record = replace(FULL, at=START + timedelta(microseconds=1), data=bytes(range(256)) * 1000)
    await _record(rig, record)

    assert await rig.store.final(record.id) == record


async def test_the_first_record_counts_and_the_others_are_counted(rig: Rig) -> None:
    """A second end of one envelope changes nothing but the surplus."""
    assert await _record(rig, FULL, final(FULL.id, "completed"), final(FULL.id, "pending_reply")) == [True, False, False]

    assert await rig.store.final(FULL.id) == replace(FULL, surplus=2)
    assert (await rig.store.counts())["final.surplus"] == 2


async def test_twenty_finalizers_at_once_write_one_record(rig: Rig) -> None:
    """The record is unique whoever comes together."""
    answers = await asyncio.gather(*(_record(rig, final("envelope-1")) for _ in range(20)))

    assert sum(answer for (answer,) in answers) == 1
    assert (await rig.store.final("envelope-1")).surplus == 19  # type: ignore[union-attr]


async def test_a_pending_reply_is_replaced_by_a_later_end(rig: Rig) -> None:
    """The end that waits for its reply gives way once; what was counted stays counted."""
    pending = final("envelope-1", "pending_reply", detail={"before": 1})
    later = final("envelope-1", "handled", at=START + timedelta(seconds=5), detail={"after": 1})

    assert await _record(rig, pending, pending, later, final("envelope-1", "failed")) == [True, False, True, False]
    assert await rig.store.final("envelope-1") == replace(later, surplus=2)


async def test_a_pending_reply_behind_an_end_does_not_hide_it(rig: Rig) -> None:
    """What the transaction itself has written does not make it forget what is stored."""
    await _record(rig, final("envelope-1", "completed"))
    async with rig.store.transaction() as tx:
        answers = [await tx.record(final("envelope-1", outcome)) for outcome in ("pending_reply", "completed")]

    assert answers == [False, False]


async def test_a_pending_reply_may_end_in_its_own_transaction(rig: Rig) -> None:
    """A transaction sees its own records."""
    async with rig.store.transaction() as tx:
        assert await tx.record(final("envelope-1", "pending_reply"))
        assert await tx.record(final("envelope-1", "completed"))
        assert not await tx.record(final("envelope-1", "failed"))

    assert (await rig.store.final("envelope-1")) == final("envelope-1", "completed", surplus=1)


async def test_a_record_is_found_by_the_beginning_of_its_id(rig: Rig) -> None:
    """Eight characters are enough if they fit one record only; a whole id always is."""
    await _record(rig, final("abcdefgh-1"), final("abcdefgh-2"), final("abcdefgh"), final("short"), final("sha256:00ff"))

    async def found(beginning: str) -> str | None:
        record = await rig.store.final(beginning)
        return record.id if record else None

    assert await found("abcdefgh-1") == "abcdefgh-1"
    assert await found("abcdefgh") == "abcdefgh"
    assert await found("abcdefgh-") is None
    assert await found("sha256:0") == "sha256:00ff"
    assert await found("sha256:") is None
    assert await found("short") == "short"
    assert await found("nobody-there") is None


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_follow_each_other_without_gap_or_double(rig: Rig, newest_first: bool) -> None:
    """Paging goes by time and id, in both directions, also where times are equal."""
    await _record(rig, *(final(f"envelope-{number}", at=START + timedelta(seconds=number // 3)) for number in range(10)))
    seen: list[FinalRecord] = []
    while True:
        after = (seen[-1].at, seen[-1].id) if seen else None
        page = await rig.store.finals(after=after, newest_first=newest_first, limit=4)
        if not page:
            break
        seen += page

    expected = [f"envelope-{number}" for number in range(10)]
    assert [record.id for record in seen] == (expected[::-1] if newest_first else expected)


async def test_records_are_filtered(rig: Rig) -> None:
    """By outcome, state, fingerprint and correlation, together."""
    await _record(
        rig,
        final("envelope-1", "failed", fingerprint="f", correlation_id="c"),
        final("envelope-2", "dead_lettered", fingerprint="f"),
        final("envelope-3", "completed", correlation_id="c"),
    )
    await rig.store.set_state("envelope-2", "discarded")

    async def ids(**wanted: object) -> list[str]:
        return [record.id[-1] for record in await rig.store.finals(newest_first=False, **wanted)]  # type: ignore[arg-type]

    assert await ids(outcomes=["failed", "dead_lettered"]) == ["1", "2"]
    assert await ids(states=["open"]) == ["1", "3"]
    assert await ids(fingerprint="f") == ["1", "2"]
    assert await ids(correlation_id="c") == ["1", "3"]
    assert await ids(correlation_id="c", outcomes=["failed"], states=["open"], fingerprint="f") == ["1"]
    assert await ids(correlation_id="c' OR '1'='1") == []


async def test_two_operators_at_once_make_one_replay(rig: Rig) -> None:
    """Only an open record gives a number; it is open again when an operator says so."""
    assert await rig.store.next_replay("envelope-1") is None
    await _record(rig, final("envelope-1", "failed"))

    assert sorted(await asyncio.gather(*(rig.store.next_replay("envelope-1") for _ in range(5)))) == [-1, -1, -1, -1, 1]  # type: ignore[type-var]
    assert (await rig.store.final("envelope-1")).state == "replaying"  # type: ignore[union-attr]
    assert await rig.store.set_state("envelope-1", "open")
    assert await rig.store.next_replay("envelope-1") == 2
    assert await rig.store.set_state("envelope-1", "discarded")
    assert await rig.store.next_replay("envelope-1") == -1
    assert not await rig.store.set_state("nobody", "open")


async def test_outcomes_are_counted(rig: Rig) -> None:
    """Each outcome has its count, also when it is 0."""
    await _record(rig, final("envelope-1"), final("envelope-2"), final("envelope-3", "handled"))

    counts = await rig.store.counts()
    assert [counts[f"final.{name}"] for name in ("completed", "handled", "failed", "dead_lettered", "pending_reply")] == [2, 1, 0, 0, 0]
