"""Every store keeps JSON documents with versions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bitbrat.errors import StoreError
from bitbrat.store import Document
from tests.contract.stores import Rig


async def test_a_document_counts_its_writes(rig: Rig) -> None:
    """The version begins at 1, goes up with each write, and begins anew after a removal."""
    assert [await rig.store.put("c", "k", value) for value in (1, 2, 3)] == [1, 2, 3]
    assert await rig.store.get("c", "k") == Document("k", 3, 3)
    await rig.store.delete("c", "k")
    await rig.store.delete("c", "k")
    assert await rig.store.get("c", "k") is None
    assert await rig.store.put("c", "k", 4) == 1


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "", "é\u0000\U0001f600", "\ud800", [], {"a": [None, {"b": "c"}]}, 2**70], ids=repr)
async def test_any_json_value_is_kept(rig: Rig, value: Any) -> None:
    """What is read is what was written."""
    await rig.store.put("c", "k", value)

    assert await rig.store.get("c", "k") == Document("k", value, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}, object()], ids=lambda value: type(value).__name__)
async def test_what_is_not_json_is_refused(rig: Rig, value: Any) -> None:
    """It is refused by name, and nothing is written."""
    with pytest.raises(StoreError, match=r"store\.bad_value"):
        await rig.store.put("c", "k", value)

    assert await rig.store.get("c", "k") is None


@pytest.mark.parametrize(("collection", "key"), [("", "k"), ("c", ""), ("c", "\x00"), ("c", "\ud800"), ("c", "k" * 513)], ids=repr)
async def test_a_name_that_some_database_cannot_keep_is_refused(rig: Rig, collection: str, key: str) -> None:
    """The same names are refused everywhere."""
    with pytest.raises(StoreError, match=r"store\.bad_value"):
        await rig.store.put(collection, key, 1)


async def test_what_is_stored_does_not_change_with_what_the_caller_holds(rig: Rig) -> None:
    """A value that is changed after it was put, or after it was read, is not changed in the store."""
    mine = {"list": [1]}
    await rig.store.put("c", "k", mine)
    mine["list"].append(2)
    read = await rig.store.get("c", "k")
    assert read is not None
    read.value["list"].append(3)

    assert await rig.store.get("c", "k") == Document("k", {"list": [1]}, 1)


async def test_a_document_that_was_changed_in_between_is_not_overwritten(rig: Rig) -> None:
    """With an expected version a write is refused unless the document has it; 0 means not there."""
    assert await rig.store.put("c", "k", 1, expected=0) == 1
    for wrong in (0, 2):
        with pytest.raises(StoreError, match=r"store\.conflict"):
            await rig.store.put("c", "k", 9, expected=wrong)
    with pytest.raises(StoreError, match=r"store\.conflict"):
        await rig.store.put("c", "other", 9, expected=1)

    assert await rig.store.put("c", "k", 2, expected=1) == 2


async def test_of_many_writers_with_one_expectation_one_wins(rig: Rig) -> None:
    """Compare and set holds for writers at once."""

    async def write(number: int) -> bool:
        try:
            await rig.store.put("c", "k", number, expected=0)
        except StoreError:
            return False
        return True

    assert sum(await asyncio.gather(*(write(number) for number in range(16)))) == 1


async def test_documents_are_found_by_the_beginning_of_their_key(rig: Rig) -> None:
    """By key, in the order of code points, within one collection, no more than asked for."""
    keys = ["a", "a/1", "a/10", "a/2", "a/\uffff", "a/\U0001f600", "a0", "b", "B"]
    for key in reversed(keys):
        await rig.store.put("c", key, key)
    await rig.store.put("d", "a/3", 0)

    assert [one.key for one in await rig.store.find("c", prefix="a/")] == ["a/1", "a/10", "a/2", "a/\uffff", "a/\U0001f600"]
    assert [one.key for one in await rig.store.find("c", prefix="a/", limit=2)] == ["a/1", "a/10"]
    assert [one.value for one in await rig.store.find("c")] == sorted(keys)
    assert await rig.store.find("c", prefix="%") == []
    assert await rig.store.find("nothing") == []
