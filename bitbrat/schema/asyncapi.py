"""The AsyncAPI 3 document of a deployment, made from the manifests of its services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bitbrat import bus
from bitbrat.service import Manifest
from bitbrat.topics import AUTHENTICATED, DLQ, EGRESS, INGRESS, PLATFORM, REROUTE, Topic, TopicRegistry, platform_role

VERSION = "3.0.0"
ENVELOPE_FILE = "./envelope.v1.schema.json"
SCHEMA_FORMAT = "application/schema+json;version=2020-12"

_SENDS: dict[str | None, tuple[str, ...]] = {
    None: (REROUTE, EGRESS),
    "auth": (AUTHENTICATED,),
    "router": (EGRESS,),
    "egress": (INGRESS,),
    "finalizer": (EGRESS,),
}
"""What a role sends besides completion and dead letters; None is a step. The next destination of a slip is in no document."""
_CLASSES = {
    "ingress": "Events from outside, waiting for auth. The only topic that may be full.",
    "step": "A hop of the slip: exactly one group reads it.",
    "log": "Kept by limits; any number of groups read it.",
}
_HEADERS = {
    bus.WIRE_ID: "Hop id and attempt: the bus's dedupe key.",
    bus.ENVELOPE_ID: "The envelope's id.",
    bus.CORRELATION_ID: "What the event shares with everything that it caused.",
    bus.TYPE: "The event's type.",
    bus.TRACEPARENT: "W3C trace context.",
    bus.REASON: "On dead letters: the code under which it is filed.",
    bus.SOURCE_TOPIC: "On dead letters: the topic it was taken from.",
    bus.GROUP: "On dead letters: the group that gave it up.",
}


def asyncapi(manifests: Iterable[Manifest]) -> dict[str, Any]:
    """Channels (topics), operations (who receives and sends there) and the one message they all carry.

    Topics that differ between deployments, such as the egress of a configured connection, are there when the manifest
    names them.
    """
    services = sorted(manifests, key=lambda manifest: manifest.service)
    topics = _topics(services)
    return {
        "asyncapi": VERSION,
        "id": "urn:bitbrat:platform",
        "info": {"title": "BitBrat", "version": "1.0.0", "description": "Envelopes on their way. Version 1 of the wire contract."},
        "defaultContentType": "application/json",
        "channels": {_key(topic.name): _channel(topic) for topic in topics},
        "operations": {name: operation for manifest in services for name, operation in _operations(manifest)},
        "components": {"messages": {"envelope": _envelope(), "deadLetter": _dead_letter()}},
    }


def _topics(manifests: Sequence[Manifest]) -> list[Topic]:
    registry = TopicRegistry()
    for manifest in manifests:
        for topic in manifest.consumes:
            registry.add(topic)
    named = {topic.name for topic in PLATFORM}
    return [
        *(topic for topic in registry if topic.name in named),
        *sorted((t for t in registry if t.name not in named), key=lambda t: t.name),
    ]


def _key(topic: str) -> str:
    """A topic's name in the document: its address without dots."""
    return topic.replace(".", "_")


def _channel(topic: Topic) -> dict[str, Any]:
    message = "deadLetter" if topic.name == DLQ else "envelope"
    return {
        "address": topic.name,
        "description": _CLASSES[topic.kind],
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "x-class": topic.kind,
        "x-groups": sorted(topic.groups),
    }


def _operations(manifest: Manifest) -> Iterable[tuple[str, dict[str, Any]]]:
    effects = dict(manifest.effects)
    for name in sorted({topic.name for topic in manifest.consumes}):
        declared = {"x-effects": effects[name]} if name in effects else {}
        yield f"{manifest.service}_receives_{_key(name)}", {**_operation("receive", name, manifest.service), **declared}
    sends = {sent for topic in manifest.consumes for sent in _SENDS.get(platform_role(topic.name), ())}
    for name in sorted(sends | set(manifest.publishes)):
        yield f"{manifest.service}_sends_{_key(name)}", _operation("send", name, manifest.service)


def _operation(action: str, topic: str, service: str) -> dict[str, Any]:
    message = "deadLetter" if topic == DLQ else "envelope"
    channel = f"#/channels/{_key(topic)}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{message}"}],
        "tags": [{"name": service}],
    }


def _envelope() -> dict[str, Any]:
    return {
        "name": "envelope",
        "title": "Envelope",
        "contentType": "application/json",
        "headers": _headers(set(_HEADERS) - {bus.REASON, bus.SOURCE_TOPIC, bus.GROUP}),
        "correlationId": {"location": "$message.payload#/correlationId"},
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": ENVELOPE_FILE}},
    }


def _dead_letter() -> dict[str, Any]:
    return {
        "name": "deadLetter",
        "title": "Dead letter",
        "summary": "An envelope that nobody could handle, or the bytes that nobody could read, exactly as they came.",
        "contentType": "application/octet-stream",
        "headers": _headers(set(_HEADERS)),
        "payload": {},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string", "description": _HEADERS[name]} for name in sorted(names)}}
