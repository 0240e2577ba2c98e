"""JSON Schema 2020-12 of the envelope and of each payload, made from the models that decode them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bitbrat.connectors.payloads import PAYLOADS
from bitbrat.envelope import Envelope

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_ID = "urn:bitbrat:envelope:v1"


def envelope_schema() -> dict[str, Any]:
    """The schema of envelope v1, camelCase, unknown fields allowed.

    What a schema cannot say stands in the contract: sizes, depth, and that nothing behind the first PENDING step is
    decided.
    """
    schema = _schema(Envelope, ENVELOPE_ID, "BitBrat envelope, version 1")
    schema["properties"]["v"] = {"const": "1", "default": "1"}
    return schema


def payload_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each payload we define, by event type."""
    return {kind: _schema(model, f"urn:bitbrat:payload:{kind}", f"Payload of {kind}") for kind, model in sorted(PAYLOADS.items())}


def _schema(model: type[BaseModel], identity: str, title: str) -> dict[str, Any]:
    body: dict[str, Any] = _plain(model.model_json_schema(by_alias=True))
    definitions = body.pop("$defs", None)
    schema = {"$schema": DIALECT, "$id": identity, **body, "title": title}
    return schema | ({"$defs": definitions} if definitions else {})


def _plain(value: Any, *, names: bool = False) -> Any:
    """Without the titles that were made from field names, and without ``default: null``; ``names``: these keys are fields."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _plain(item, names=key in ("properties", "$defs"))
        for key, item in value.items()
        if names or not (key == "title" or (key == "default" and item is None))
    }
