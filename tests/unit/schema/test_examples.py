"""The golden examples are real envelopes: they decode, they are valid, and the law made them."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bitbrat import codec, slip
from bitbrat.schema import envelope_schema, examples, payload_schemas
from tests.unit.contract_example import example

MADE = examples()


@pytest.mark.parametrize("value", MADE.values(), ids=MADE)
def test_an_example_is_an_envelope(value: dict[str, Any]) -> None:
    """It decodes, re-encodes and compares equal, and follows the schema."""
    data = json.dumps(value).encode()

    assert json.loads(codec.encode(codec.decode(data))) == value
    Draft202012Validator(envelope_schema()).validate(value)


@pytest.mark.parametrize("name", [name for name in MADE if name != "seed"])
def test_an_examples_payload_follows_its_schema(name: str) -> None:
    """The seed's own payload is older than the payload's definition: it has the text only."""
    Draft202012Validator(payload_schemas()[MADE[name]["type"]]).validate(MADE[name]["payload"])


def test_the_seed_is_the_contracts_own_example() -> None:
    """Its time in our spelling, everything else as it stands on the page."""
    assert MADE["seed"] == {**example(), "timestamp": "2022-01-01T00:00:00Z"}


def test_the_examples_tell_five_stories() -> None:
    """A message that came in, one that was answered, one that failed, and a second try."""
    told = {name: [step["status"] for step in value["routingSlip"]] for name, value in MADE.items()}

    assert told == {
        "seed": ["PENDING", "PENDING", "PENDING"],
        "chat-message": [],
        "handled": ["OK", "OK", "SKIP"],
        "failed": ["OK", "ERROR", "SKIP"],
        "replay": ["OK", "PENDING", "PENDING"],
    }
    assert [MADE[name].get("status") for name in MADE] == [None, None, "HANDLED", "FAILED", None]
    assert MADE["handled"]["replies"][0]["delivered"]["at"]
    assert MADE["failed"]["routingSlip"][1]["attempt"] == 2
    assert MADE["replay"]["replayOf"] == MADE["failed"]["id"]


@pytest.mark.parametrize(("name", "topic"), [("chat-message", "internal.ingress.v1"), ("replay", "internal.greeter.v1")])
def test_an_example_can_be_sent_on(name: str, topic: str) -> None:
    """The law knows where each goes next."""
    envelope = codec.from_wire(MADE[name])
    dispatch = slip.onward(envelope) if envelope.current is not None else slip.forward(envelope, "ingress", now=envelope.timestamp)

    assert dispatch is not None
    assert dispatch.topic == topic
