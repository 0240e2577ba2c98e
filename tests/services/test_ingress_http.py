"""``POST /v1/events``: what is accepted is stored, what a body may say, and who may say it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bitbrat.bus import Message
from bitbrat.codec import decode
from bitbrat.errors import BusFull
from bitbrat.host import Host, load_services
from bitbrat.runtime import Runtime
from bitbrat.telemetry import names
from bitbrat.topics import INGRESS

TOKEN = "kanarienvogel-4711"
GOOD: dict[str, Any] = {"type": "external.shop.sold.v1", "payload": {"n": 0, "gift": False}}


@dataclass
class Door:
    """The running service, and somebody who knocks."""

    host: Host
    client: aiohttp.ClientSession

    async def post(self, body: Any, *, token: str | None = TOKEN, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Status, body and headers of the answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": "application/json"}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.client.post(f"{self.host.front.url}/v1/events", data=data, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        async with self.client.get(f"{self.host.front.url}{path}") as answer:
            return answer.status, await answer.json(content_type=None)

    @property
    def runtime(self) -> Runtime:
        """The process's."""
        return self.host.runtime

    @property
    def accepted(self) -> int:
        """How many envelopes the bus has stored."""
        return int(self.host.metrics.value(names.EVENTS_ACCEPTED))

    async def stored(self, count: int = 1) -> list[dict[str, Any]]:
        """The first ``count`` envelopes on the ingress topic, as they stand on the wire."""
        deliveries: Any = self.runtime.bus.consume(INGRESS, "test", max_in_flight=count)
        try:
            async with asyncio.timeout(5):
                found = [await anext(deliveries) for _ in range(count)]
        finally:
            await deliveries.aclose()
        return [json.loads(delivery.data) for delivery in found]


@asynccontextmanager
async def standing(**settings: str) -> AsyncIterator[Door]:
    """Ingress alone: what it accepts stays on the topic, where a test finds it."""
    environ = {"BITBRAT_BUS": "memory://", "BITBRAT_STORE": "memory://", "BITBRAT_HTTP_PORT": "0", "BITBRAT_LOG_LEVEL": "error"}
    environ |= {f"BITBRAT_{name}": value for name, value in ({"INGRESS__TOKEN": TOKEN} | settings).items() if value}
    host = Host.of(load_services(["services.ingress_egress"]), environ)
    async with aiohttp.ClientSession() as client:
        await host.start()
        try:
            yield Door(host, client)
        finally:
            await host.stop()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """The door with its token."""
    async with standing() as running:
        yield running


async def test_an_accepted_event_is_on_the_bus_when_202_is_answered(door: Door) -> None:
    """With ids of our minting, and no user: nobody has vouched for one. 0 and false are values."""
    status, told, _ = await door.post({**GOOD, "time": "2026-01-31T12:00:00Z"})
    (envelope,) = await door.stored()

    assert (status, told) == (202, {"id": envelope["id"], "correlationId": envelope["id"]})
    assert (envelope["type"], envelope["payload"]) == (GOOD["type"], {"n": 0, "gift": False, "sentAt": "2026-01-31T12:00:00Z"})
    assert (envelope["source"]["platform"], envelope["source"]["connectionId"]) == ("http", "http")
    assert envelope["user"] == {"id": "", "name": "", "displayName": "", "profileImageUrl": "", "role": ""}
    assert (envelope["routingSlip"], [visit["service"] for visit in envelope["trail"]]) == ([], ["ingress"])


async def test_an_id_that_comes_again_is_one_envelope(door: Door) -> None:
    """The source's own id names the event; without one each post is an event."""
    answers = [await door.post({**GOOD, "id": "order-7"}) for _ in range(3)]
    without = [await door.post(GOOD) for _ in range(2)]

    assert {told["id"] for _, told, _ in answers} == {answers[0][1]["id"]}
    assert len({told["id"] for _, told, _ in without}) == 2
    assert door.accepted == 3


async def test_an_id_that_comes_again_with_another_content_is_refused(door: Door) -> None:
    """The first one counts; the second is told so instead of vanishing."""
    first, _, _ = await door.post({"type": "external.shop.sold.v1", "payload": {"item": "hat"}, "id": "order-9"})
    status, problem, _ = await door.post({"type": "external.shop.sold.v1", "payload": {"item": "shoe"}, "id": "order-9"})

    assert first == 202
    assert (status, problem["code"]) == (409, "envelope.id_conflict")
    assert door.accepted == 1


async def test_a_posted_chat_message_speaks_as_nobody(door: Door) -> None:
    """Any external type may be posted; whoever it names in its payload, the event has no user, no role and no egress."""
    status, answer, _ = await door.post({"type": "external.chat.message.v1", "payload": {"text": "!ping", "user": {"role": "broadcaster"}}})

    assert (status, door.accepted) == (202, 1)
    assert answer["id"]


async def test_an_id_cannot_be_anothers_envelope_id(door: Door) -> None:
    """Ids live under the connection's name: a poster cannot take the place of a chat message."""
    _, first, _ = await door.post({**GOOD, "id": "m-1"})
    _, keyed, _ = await door.post({**GOOD, "id": "m-2"}, Idempotency_Key="m-1")

    assert first["id"] not in ("m-1", keyed["id"])


# 51: mass assignment -------------------------------------------------------------------------------------------------

FORBIDDEN: dict[str, Any] = {
    "id": {"v": "evil"},
    "v": "2",
    "correlationId": "evil",
    "traceId": "evil",
    "timestamp": "1999-01-01T00:00:00Z",
    "source": {"platform": "twitch", "channel": "evil", "egressDestination": "internal.egress.evil.v1"},
    "user": {"id": "1", "role": "broadcaster", "roles": ["broadcaster"], "permissions": ["*"]},
    "routingSlip": [{"id": "evil", "status": "PENDING", "destination": "internal.evil.v1"}],
    "finalizationDestination": "internal.evil.v1",
    "status": "HANDLED",
    "replies": [{"kind": "chat", "text": "evil", "by": "evil"}],
    "annotations": [{"kind": "evil", "by": "router"}],
    "trail": [{"service": "egress"}],
    "deadline": "1999-01-01T00:00:00Z",
    "tenantId": "evil",
    "simulated": True,
    "replayOf": "evil",
    "connection": "twitch",
    "platform": "twitch",
    "event_class": "chat",
    "__proto__": {"user": {"role": "broadcaster"}},
}


def spellings(name: str) -> list[str]:
    """The name as a careless reader might take it for the same."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return list(dict.fromkeys([name, snake, name.upper(), snake.replace("_", "-"), f" {name}", f"envelope.{name}"]))


BODIES = {
    f"51-{spelling.strip()}{'-spaced' if spelling != spelling.strip() else ''}": {**GOOD, spelling: value}
    for name, value in FORBIDDEN.items()
    for spelling in spellings(name)
    if spelling != "id"
}
DEEP = {
    "51-in-envelope": {**GOOD, "envelope": FORBIDDEN},
    "51-in-data": {**GOOD, "data": {"envelope": FORBIDDEN}},
    "51-in-attributes": {**GOOD, "attributes": {"traceparent": "evil", **FORBIDDEN}},
    "51-in-meta-list": {**GOOD, "meta": [FORBIDDEN]},
    "51-cloudevent": {**GOOD, "specversion": "1.0", "source": "/evil", "subject": "evil", "data": FORBIDDEN},
    "51-all-at-once": {**GOOD, **{name: value for name, value in FORBIDDEN.items() if name != "id"}},
}
MINTED = ("id", "correlationId", "traceId", "timestamp", "trail")
"""What differs between two good events: it is minted for each."""


def shape(envelope: dict[str, Any]) -> dict[str, Any]:
    """An envelope without what is minted anew for each, which is only looked at for its form."""
    return {name: value for name, value in envelope.items() if name not in MINTED}


@pytest.mark.parametrize("body", [*BODIES.values(), *DEEP.values()], ids=[*BODIES, *DEEP])
async def test_a_field_that_is_not_the_posters_has_no_effect(door: Door, body: dict[str, Any]) -> None:
    """The envelope is the one of the plain event, and the answer names what was ignored."""
    await door.post(GOOD)
    status, _, headers = await door.post(body)
    plain, posted = await door.stored(2)

    assert status == 202
    assert shape(posted) == shape(plain)
    assert [visit["service"] for visit in posted["trail"]] == ["ingress"]
    assert "evil" not in json.dumps(posted)
    assert "1999-01-01" not in json.dumps(posted)
    assert headers["BitBrat-Ignored"]


def test_51_there_are_at_least_forty_of_them() -> None:
    """Every spelling and depth."""
    assert len(BODIES) + len(DEEP) >= 40


async def test_51_what_a_payload_claims_stays_a_claim(door: Door) -> None:
    """Inside the payload everything is the poster's own; nothing of it moves outside."""
    await door.post({**GOOD, "payload": FORBIDDEN})
    (envelope,) = await door.stored()

    assert envelope["payload"] == FORBIDDEN
    assert set(envelope) == set(decode(json.dumps(envelope).encode()).to_wire())
    assert (envelope["routingSlip"], envelope["user"]["role"], envelope.get("status"), envelope.get("replies")) == ([], "", None, None)


BAD_FIELDS = {
    "type-missing": ({"payload": {}}, ["/type"]),
    "type-empty": ({**GOOD, "type": ""}, ["/type"]),
    "type-number": ({**GOOD, "type": 1}, ["/type"]),
    "type-internal": ({**GOOD, "type": "internal.ingress.v1"}, ["/type"]),
    "type-crlf": ({**GOOD, "type": "external.shop.sold.v1\r\nX: y"}, ["/type"]),
    "type-no-version": ({**GOOD, "type": "external.shop.sold"}, ["/type"]),
    "payload-list": ({**GOOD, "payload": []}, ["/payload"]),
    "payload-null": ({**GOOD, "payload": None}, ["/payload"]),
    "id-number": ({**GOOD, "id": 7}, ["/id"]),
    "id-empty": ({**GOOD, "id": ""}, ["/id"]),
    "id-long": ({**GOOD, "id": "x" * 201}, ["/id"]),
    "id-space": ({**GOOD, "id": "a b"}, ["/id"]),
    "time-word": ({**GOOD, "time": "yesterday"}, ["/time"]),
    "time-number": ({**GOOD, "time": 1700000000}, ["/time"]),
    "all": ({"type": 1, "payload": 2, "id": 3, "time": 4}, ["/type", "/payload", "/id", "/time"]),
    "list": ([], [""]),
    "string": ("x", [""]),
    "null": (None, [""]),
}


@pytest.mark.parametrize(("body", "pointers"), BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
async def test_every_bad_field_is_named_at_once(door: Door, body: Any, pointers: list[str]) -> None:
    """422 with a pointer to each. Nothing is accepted."""
    status, problem, _ = await door.post(body)

    if pointers == [""]:
        assert (status, problem["code"]) in ((422, "http.invalid"), (400, "envelope.not_object"))
    else:
        assert (status, problem["code"], [error["pointer"] for error in problem["errors"]]) == (422, "http.invalid", pointers)
    assert door.accepted == 0


@pytest.mark.parametrize(
    "token",
    [None, "", "wrong", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "x" * 5000],
    ids=lambda token: "none" if token is None else f"{len(token)}",
)
async def test_whoever_has_no_key_learns_nothing(door: Door, token: str | None) -> None:
    """401 with the same body, whatever is wrong with the key, and whatever is wrong with the body."""
    answers = [(status, problem) for status, problem, _ in [await door.post(body, token=token) for body in (GOOD, {"type": 1}, b"{")]]
    _, reference, _ = await door.post(GOOD, token="another")

    assert answers == [(401, reference)] * 3
    assert door.accepted == 0


async def test_without_a_token_in_the_settings_nobody_may_post() -> None:
    """Not even who sends an empty one."""
    async with standing(INGRESS__TOKEN="") as door:
        statuses = [(await door.post(GOOD, token=token))[0] for token in ("", None, TOKEN)]

    assert statuses == [401, 401, 401]


# 52: Idempotency-Key -------------------------------------------------------------------------------------------------


async def test_52_the_same_key_and_body_get_the_same_answer(door: Door) -> None:
    """And it is one event, also when the body carries an id."""
    answers = [await door.post(GOOD, Idempotency_Key="key-1") for _ in range(3)]

    assert [(status, told) for status, told, _ in answers] == [(202, answers[0][1])] * 3
    assert door.accepted == 1


async def test_52_the_same_key_with_another_body_is_a_conflict(door: Door) -> None:
    """409; the first one stands."""
    await door.post(GOOD, Idempotency_Key="key-1")
    status, problem, _ = await door.post({**GOOD, "payload": {"n": 1}}, Idempotency_Key="key-1")

    assert (status, problem["code"], door.accepted) == (409, "http.idempotency_conflict", 1)


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "umläut"], ids=["empty", "256", "space", "umlaut"])
async def test_52_what_cannot_be_a_key_is_refused(door: Door, key: str) -> None:
    """1 to 255 printable ASCII characters."""
    status, problem, _ = await door.post(GOOD, Idempotency_Key=key)

    assert (status, problem["code"], door.accepted) == (400, "http.bad_request", 0)


async def test_52_the_longest_key_is_taken(door: Door) -> None:
    """255 characters."""
    assert (await door.post(GOOD, Idempotency_Key="x" * 255))[0] == 202


async def test_52_twenty_at_once_are_one_event(door: Door) -> None:
    """All get the same answer."""
    answers = await asyncio.gather(*(door.post(GOOD, Idempotency_Key="key-1") for _ in range(20)))

    assert {(status, told["id"]) for status, told, _ in answers} == {(202, answers[0][1]["id"])}
    assert door.accepted == 1


async def test_52_twenty_different_bodies_at_once_under_one_key_are_one_event(door: Door) -> None:
    """One wins; the others are told so."""
    answers = await asyncio.gather(*(door.post({**GOOD, "payload": {"n": n}}, Idempotency_Key="key-1") for n in range(20)))

    assert sorted(status for status, _, _ in answers) == [202] + [409] * 19
    assert door.accepted == 1


# 55 and 59: what it stands on is down -------------------------------------------------------------------------------


async def test_55_a_full_bus_is_503_and_the_event_is_not_accepted(door: Door) -> None:
    """``Retry-After`` says when; what fits again is taken again."""
    fillers = await _fill(door)
    large = {**GOOD, "payload": {"text": "x" * 150_000}}
    status, problem, headers = await door.post(large, Idempotency_Key="key-1")

    assert (status, problem["code"], bool(headers["Retry-After"]), door.accepted) == (503, "bus.full", True, 0)
    for delivery in await _all(door, fillers):
        await delivery.ack()
    assert (await door.post(large, Idempotency_Key="key-1"))[0] == 202
    assert (await door.get("/readyz"))[0] == 200


async def test_55_a_bus_that_is_gone_is_503(door: Door) -> None:
    """Never 2xx. 59: alive, and not ready, with the cause."""
    await door.runtime.bus.close()
    status, problem, headers = await door.post(GOOD)
    alive, ready = await door.get("/livez"), await door.get("/readyz")

    assert (status, problem["code"].split(".")[0], bool(headers["Retry-After"]), door.accepted) == (503, "bus", True, 0)
    assert (alive[0], ready[0], "bus" in ready[1]["detail"]) == (200, 503, True)


async def test_55_a_store_that_is_gone_is_503_where_a_key_needs_it(door: Door) -> None:
    """Without a key the event needs the bus only. 59: not ready, with the cause."""
    await door.runtime.store.close()
    status, problem, headers = await door.post(GOOD, Idempotency_Key="key-1")
    without, _, _ = await door.post(GOOD)
    ready, told = await door.get("/readyz")

    assert (status, problem["code"], bool(headers["Retry-After"]), without) == (503, "store.closed", True, 202)
    assert (ready, "store" in told["detail"]) == (503, True)


async def _fill(door: Door) -> int:
    """How many messages of 100 kB fit."""
    for number in itertools.count():
        try:
            await door.runtime.bus.publish(INGRESS, Message(f"filler-{number}", b"x" * 100_000, {}))
        except BusFull:
            return number
    raise AssertionError("it is never full")


async def _all(door: Door, count: int) -> list[Any]:
    deliveries: Any = door.runtime.bus.consume(INGRESS, "test", max_in_flight=count)
    try:
        async with asyncio.timeout(10):
            return [await anext(deliveries) for _ in range(count)]
    finally:
        await deliveries.aclose()
