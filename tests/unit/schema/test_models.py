"""The published schemas say what the decoder does."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from bitbrat.connectors.payloads import PAYLOADS
from bitbrat.schema import envelope_schema, payload_schemas
from tests.unit.contract_example import changed, example, full, lacking
from tests.unit.test_codec import DESTINATIONS, REFUSED

# What a schema cannot say, or not in this dialect: times are checked as text only, and the order of statuses not at all.
BEYOND = ("line end", "timestamp", "time", "year", "zone", "leap", "deadline", "decided behind", "but PENDING")


def _valid(value: Any) -> bool:
    return bool(Draft202012Validator(envelope_schema()).is_valid(value))


def test_the_schemas_are_schemas() -> None:
    """JSON Schema 2020-12, each with a name that belongs to nobody."""
    for schema in (envelope_schema(), *payload_schemas().values()):
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"].startswith("urn:bitbrat:")


def test_what_the_contract_shows_is_valid() -> None:
    """The example, and an envelope with every field and unknown ones at every depth."""
    assert _valid(example())
    assert _valid(full())
    assert _valid(lacking("v"))
    assert _valid(lacking("finalizationDestination"))


@pytest.mark.parametrize(
    "value", [row[1] for row in REFUSED if isinstance(row[1], dict)], ids=[row[0] for row in REFUSED if isinstance(row[1], dict)]
)
def test_what_the_decoder_refuses_is_not_valid(value: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """As far as a schema can say it."""
    beyond = any(word in request.node.callspec.id for word in BEYOND) and "number" not in request.node.callspec.id

    assert _valid(value) is beyond


@pytest.mark.parametrize("place", ["routingSlip.0.destination", "source.egressDestination", "finalizationDestination"])
def test_destinations_follow_the_grammar(place: str) -> None:
    """Only ours, wherever a topic stands. A line end at the very end is beyond what every validator's pattern sees."""
    assert [name for name in DESTINATIONS if not name.endswith("\n") and _valid(changed(place, name))] == []


def test_fields_are_described_in_camel_case() -> None:
    """As they are on the wire, with the names of the contract."""
    properties = envelope_schema()["properties"]

    assert list(properties) == [
        *(
            "v",
            "id",
            "correlationId",
            "traceId",
            "timestamp",
            "type",
            "source",
            "user",
            "routingSlip",
            "finalizationDestination",
            "payload",
        ),
        *("status", "replies", "annotations", "trail", "deadline", "tenantId", "simulated", "replayOf"),
    ]
    assert envelope_schema()["required"] == [
        *("id", "correlationId", "traceId", "timestamp", "type", "source", "user", "routingSlip", "payload"),
    ]


def test_every_payload_we_define_has_a_schema() -> None:
    """By event type."""
    assert set(payload_schemas()) == set(PAYLOADS)
    assert payload_schemas()["external.chat.message.v1"]["$id"] == "urn:bitbrat:payload:external.chat.message.v1"


def test_a_payload_may_hold_more_and_not_less() -> None:
    """Unknown fields are kept; what is required is there."""
    message = {"text": "hi", "messageId": "", "isAction": False, "badges": [["vip", "1"]], "emotes": [], "future": 1}
    schema = payload_schemas()["external.chat.message.v1"]

    Draft202012Validator(schema).validate(message)
    with pytest.raises(ValidationError, match="'text' is a required property"):
        Draft202012Validator(schema).validate({key: value for key, value in message.items() if key != "text"})
