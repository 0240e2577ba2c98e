"""The corpus of bad inputs: ``*.toml`` here, one or more entries a row, each with the bytes and the expected code.

An entry's bytes are given as ``text``, as ``hex``, as ``parts`` (texts, hex and repetitions, joined), or as the contract's
example envelope with places ``set``, made ``null`` or taken away (``unset``); ``cut`` stands for one input a byte offset.
The fuzzers and the tests of running services take the same entries.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.unit.contract_example import example, to_bytes

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class BadInput:
    """One entry: what must come of each of ``inputs``. An empty ``code`` means accepted; ``on`` is the topic it comes on."""

    row: int
    name: str
    code: str
    inputs: tuple[bytes, ...]
    on: str = ""
    says: str = ""

    @property
    def id(self) -> str:
        """The row's number, and which of its cases."""
        return f"{self.row}-{self.name.replace(' ', '-')}"


@cache
def load_corpus(name: str = "bus") -> tuple[BadInput, ...]:
    """The entries of ``<name>.toml``, in order."""
    rows = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["input"]
    return tuple(
        BadInput(row["row"], row["name"], row["code"], tuple(_inputs(row)), row.get("on", ""), row.get("says", "")) for row in rows
    )


def _inputs(row: dict[str, Any]) -> Iterator[bytes]:
    whole = _bytes(row)
    if row.get("cut"):
        yield from (whole[:end] for end in range(1, len(whole)))
    else:
        yield whole


def _bytes(row: dict[str, Any]) -> bytes:
    if "text" in row:
        return str(row["text"]).encode("utf-8", "surrogatepass")
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    if "repeat" in row:
        return str(row["repeat"]).encode() * int(row["times"])
    if "parts" in row:
        return b"".join(_bytes(part) for part in row["parts"])
    return to_bytes(_envelope(row))


def _envelope(row: dict[str, Any]) -> dict[str, Any]:
    """The example, changed in places."""
    value: Any = example()
    if "steps" in row:
        value["routingSlip"] = [value["routingSlip"][0]] * row["steps"]
    if "statuses" in row:
        value["routingSlip"] = [{**step, "status": status} for step, status in zip(value["routingSlip"], row["statuses"], strict=True)]
    for path, item in row.get("set", {}).items():
        _put(value, path, json.loads(item["json"]) if isinstance(item, dict) and set(item) == {"json"} else item)
    for path in row.get("null", ()):
        _put(value, path, None)
    for path in row.get("unset", ()):
        place, key = _place(value, path)
        del place[key]
    return dict(value)


def _put(value: Any, path: str, item: Any) -> None:
    place, key = _place(value, path)
    place[key] = item


def _place(value: Any, path: str) -> tuple[Any, Any]:
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        value = value[part]
    return value, last
