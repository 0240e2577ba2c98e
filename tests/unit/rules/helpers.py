"""Small things that the tests of the rules share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bitbrat.envelope import Envelope
from bitbrat.errors import Problem, RulesError
from bitbrat.rules import Facts, Ruleset, load

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
CHAT = "external.chat.message.v1"


def chat(
    text: str = "",
    *,
    role: str = "viewer",
    kind: str = CHAT,
    payload: dict[str, Any] | None = None,
    known: dict[str, Any] | None = None,
    **fields: Any,
) -> Facts:
    """The facts of a chat message of Ann's; ``fields`` are further fields of the envelope, as on the wire."""
    wire = {
        "id": "e-1",
        "correlationId": "c-1",
        "traceId": "t-1",
        "timestamp": "2026-05-01T11:59:00Z",
        "type": kind,
        "source": {"platform": "twitch", "channel": "#my_channel", "channelId": "77"},
        "user": {"id": "42", "name": "ann", "displayName": "Ann", "role": role, "roles": [role], "tags": ["regular"]},
        "routingSlip": [],
        "payload": {"text": text, **(payload or {})},
    }
    return Facts.of(Envelope.model_validate({**wire, **fields}), NOW, known=known)


def rules(text: str, **options: Any) -> Ruleset:
    """The rules in ``text``."""
    return load(text, file="rules.yaml", **options)


def when(tree: Any) -> Ruleset:
    """One rule with this JsonLogic condition."""
    return rules(json.dumps([{"id": "r", "match": {"when": tree}}]))


def problems(text: str | bytes, **options: Any) -> list[Problem]:
    """Everything that is wrong with ``text``; fails when nothing is."""
    with pytest.raises(RulesError) as raised:
        load(text, file="rules.yaml", **options)
    return list(raised.value.problems)
