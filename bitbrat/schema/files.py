"""The files of ``envelopes/``: the same code gives the same bytes, so that a difference is a change of the contract."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bitbrat.schema.asyncapi import asyncapi
from bitbrat.schema.examples import examples
from bitbrat.schema.models import envelope_schema, payload_schemas
from bitbrat.service import Manifest


def documents(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Path below ``envelopes/`` → text, of everything that is exported."""
    values: dict[str, Any] = {"envelope.v1.schema.json": envelope_schema(), "asyncapi.json": asyncapi(manifests)}
    values |= {f"payloads/{kind}.schema.json": schema for kind, schema in payload_schemas().items()}
    values |= {f"examples/{name}.json": example for name, example in examples().items()}
    return {path: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for path, value in sorted(values.items())}


def export(folder: Path, manifests: Iterable[Manifest]) -> list[Path]:
    """Write them below ``folder`` and return the paths. Schemas and examples that are no longer made are removed."""
    made = {folder / path: text for path, text in documents(manifests).items()}
    for old in [*folder.glob("payloads/*.schema.json"), *folder.glob("examples/*.json")]:
        if old not in made:
            old.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(made)
