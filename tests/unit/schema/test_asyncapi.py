"""The AsyncAPI document holds together, and says who receives and who sends what."""

import re
from typing import Any

from bitbrat.bus import ALLOWED_HEADERS
from bitbrat.schema import asyncapi
from bitbrat.service import Manifest
from bitbrat.topics import COMPLETE, DLQ, PLATFORM, Topic
from tests.unit.schema.deployed import manifests

DOCUMENT = asyncapi(manifests())
KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        here = [value["$ref"]] if "$ref" in value else []
        return here + [found for item in value.values() for found in _references(item)]
    return [found for item in value for found in _references(item)] if isinstance(value, list) else []


def _resolve(reference: str) -> Any:
    place: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        place = place[part]
    return place


def test_it_is_version_three() -> None:
    """With the parts that version 3 requires."""
    assert re.fullmatch(r"3\.\d+\.\d+", DOCUMENT["asyncapi"])
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert DOCUMENT["defaultContentType"] == "application/json"


def test_every_reference_leads_somewhere() -> None:
    """Inside the document, or to the envelope's schema beside it."""
    outside = {reference for reference in _references(DOCUMENT) if not reference.startswith("#/")}

    assert outside == {"./envelope.v1.schema.json"}
    assert all(_resolve(reference) for reference in _references(DOCUMENT) if reference.startswith("#/"))


def test_every_channel_is_a_topic() -> None:
    """The platform's, and those of the services; with class, groups and one message."""
    channels = DOCUMENT["channels"]

    assert {topic.name for topic in PLATFORM} <= {channel["address"] for channel in channels.values()}
    for key, channel in channels.items():
        assert KEY.match(key)
        assert key == channel["address"].replace(".", "_")
        assert channel["x-class"] in ("ingress", "step", "log")
        assert len(channel["messages"]) == 1
        assert channel["x-class"] == "log" or len(channel["x-groups"]) <= 1


def test_every_operation_is_of_a_channel() -> None:
    """Receive or send, with the message of that channel."""
    for key, operation in DOCUMENT["operations"].items():
        assert KEY.match(key)
        assert operation["action"] in ("send", "receive")
        channel = _resolve(operation["channel"]["$ref"])
        assert [message["$ref"].rsplit("/", 1)[1] for message in operation["messages"]] == list(channel["messages"])


def test_every_topic_of_a_service_is_received_by_it() -> None:
    """Nothing in a manifest is left out."""
    for manifest in manifests():
        for topic in manifest.consumes:
            operation = DOCUMENT["operations"][f"{manifest.service}_receives_{topic.name.replace('.', '_')}"]
            assert (operation["action"], operation["x-effects"]) == ("receive", dict(manifest.effects)[topic.name])


def test_a_step_sends_what_steps_may_send() -> None:
    """Completion, dead letters, egress and the router; its next destination stands on the slip."""
    greeter = Manifest("greeter", consumes=(Topic("internal.greeter.v1", "step", ("greeter",)),), publishes=(COMPLETE, DLQ))

    names = [name for name in asyncapi([greeter])["operations"] if "_sends_" in name]

    assert [name.removeprefix("greeter_sends_internal_") for name in names] == ["complete_v1", "dlq_v1", "egress_v1", "reroute_v1"]


def test_dead_letters_are_any_bytes() -> None:
    """With the headers that say why and where from."""
    letter = DOCUMENT["components"]["messages"]["deadLetter"]

    assert letter["contentType"] == "application/octet-stream"
    assert set(letter["headers"]["properties"]) == set(ALLOWED_HEADERS)
    assert not {"bb-reason", "bb-group"} & set(DOCUMENT["components"]["messages"]["envelope"]["headers"]["properties"])


def test_the_order_of_manifests_does_not_matter() -> None:
    """The same deployment gives the same document."""
    assert asyncapi(reversed(manifests())) == DOCUMENT
