"""What the connectors write is what the payload models say, and nothing besides."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator

from bitbrat.connectors.payloads import PAYLOADS
from bitbrat.connectors.twitch.parse_stream import parse_record

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
FULL = (
    "id=m;room-id=1;user-id=2;login=ann;tmi-sent-ts=1700000000000;bits=5;color=#00FF00;badges=vip/1,odd;emotes=25:0-4;first-msg=1;"
    "source-room-id=3;source-msg-id=sub;reply-parent-msg-id=p;reply-parent-user-id=4;reply-parent-user-login=bob;reply-parent-msg-body=x;"
    "custom-reward-id=r;msg-id=sub;msg-param-a=b;system-msg=s;ban-duration=5;target-user-id=6;target-msg-id=t"
)
LINES = [
    f"@{tags} :ann!ann@h {command} #room :{text}"
    for command in ("PRIVMSG", "USERNOTICE", "CLEARCHAT", "CLEARMSG")
    for tags, text in ((FULL, "Kappa"), ("x", "x"))
]


@pytest.mark.parametrize("raw", LINES)
def test_a_payload_follows_its_model(raw: str) -> None:
    """With everything in it and with as little as possible; no field that the model does not name."""
    envelope = parse_record(raw.encode(), now=NOW)["envelope"]

    model = PAYLOADS[envelope["type"]].model_validate(envelope["payload"])

    assert model.model_extra == {}
    assert json.loads(json.dumps(model.to_wire())) == envelope["payload"]


@pytest.mark.parametrize("raw", LINES)
def test_a_payload_follows_its_schema(raw: str) -> None:
    """The JSON Schema made from the model accepts it."""
    envelope = parse_record(raw.encode(), now=NOW)["envelope"]

    Draft202012Validator(PAYLOADS[envelope["type"]].model_json_schema(by_alias=True)).validate(envelope["payload"])
