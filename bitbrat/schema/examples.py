"""Golden examples: envelopes as they travel, made by the real law with a fixed time and fixed ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from bitbrat.codec import from_wire
from bitbrat.connectors.twitch.parse_stream import parse_record
from bitbrat.envelope import Annotation, Delivered, Envelope, RoutingStep
from bitbrat.outcome import Failed, Handled, Next, Outcome
from bitbrat.replay import replay
from bitbrat.slip import Role, advance, forward
from bitbrat.topics import step_topic

SEED: Mapping[str, Any] = MappingProxyType(
    {
        "v": "1",
        "id": "1234567890",
        "correlationId": "1234567890",
        "traceId": "fd89j34saf",
        "timestamp": "2022-01-01T00:00:00Z",
        "type": "external.chat.message.v1",
        "source": {
            "platform": "twitch",
            "channel": "my_channel",
            "channelId": "424325252",
            "egressDestination": "internal.egress1.v1",
        },
        "user": {
            "id": "1234567890",
            "name": "an_admin_user",
            "displayName": "An Admin User",
            "profileImageUrl": "https://my_image.png",
            "role": "admin",
        },
        "routingSlip": [{"id": f"service{n}", "status": "PENDING", "destination": f"internal.service{n}.v1"} for n in (1, 2, 3)],
        "finalizationDestination": "internal.finalizer.v1",
        "payload": {"text": "Hello World!"},
    }
)
"""The example of the contract's first page, its time in the spelling that we write."""

LINE = (
    rb"@badge-info=subscriber/8;badges=vip/1,subscriber/6;color=#00FF7F;display-name=Ada;emotes=25:7-11;first-msg=0;"
    rb"id=0b5b2f3e-6a5e-4c55-9d3e-0d6c0a1a7b11;mod=0;room-id=424325252;subscriber=1;tmi-sent-ts=1767268800000;turbo=0;"
    rb"user-id=1234567890;user-type=;vip=1 :ada!ada@ada.tmi.twitch.tv PRIVMSG #my_channel :!hello Kappa"
)
START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
WAIT = 0.25


def examples() -> dict[str, dict[str, Any]]:
    """Envelopes in wire form, by name: the seed's, a chat message, a handled one, a failed one, a replay."""
    chat = from_wire(parse_record(LINE, now=START)["envelope"])
    failed = _failed(_routed(chat))
    return {
        "seed": dict(SEED),
        "chat-message": chat.to_wire(),
        "handled": _handled(_routed(chat)).to_wire(),
        "failed": failed.to_wire(),
        "replay": replay(failed, number=1, mode="resume").envelope.to_wire(),
    }


def _at(tick: int) -> datetime:
    """A time: each turn takes five milliseconds."""
    return START + timedelta(milliseconds=5 * tick)


def _visit(envelope: Envelope, role: Role, tick: int) -> Envelope:
    dispatch = forward(envelope, role, now=_at(tick), started_at=_at(tick - 1))
    return envelope if dispatch is None else dispatch.envelope


def _turn(envelope: Envelope, outcome: Outcome, tick: int) -> Envelope:
    return advance(envelope, outcome, now=_at(tick), started_at=_at(tick - 1), retry_in=WAIT).envelope


def _routed(chat: Envelope) -> Envelope:
    """The message behind ingress, auth and the router, with three steps."""
    known = _visit(chat, "ingress", 1)
    known = _visit(known.but(user=known.user.but(permissions=("greet",))), "auth", 2)
    steps = [RoutingStep(id=name, status="PENDING", destination=step_topic(name)) for name in ("mood", "greeter", "llm")]
    note = Annotation(kind="rule", label="greetings", by="router")
    return _visit(known.but(routing_slip=tuple(steps), annotations=(note,)), "router", 3)


def _handled(envelope: Envelope) -> Envelope:
    """The second step answers, egress sends the answer: as the finalizer receives it."""
    noted = _turn(envelope, Next(annotations=[Annotation(kind="mood", label="happy", score=0.9)]), 4)
    answered = _turn(noted, Handled(reply="Hello, Ada!"), 5)
    sent = tuple(reply.but(delivered=Delivered(at=_at(6))) for reply in answered.replies)
    return _visit(answered.but(replies=sent), "egress", 6)


def _failed(envelope: Envelope) -> Envelope:
    """The second step fails three times: as the finalizer receives it."""
    envelope = _turn(envelope, Next(), 4)
    for attempt in range(3):
        envelope = _turn(envelope, Failed("greeter.unavailable", "the name service does not answer", retryable=True), 5 + 100 * attempt)
    return envelope
