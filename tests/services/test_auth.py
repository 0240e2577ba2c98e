"""Auth: records, sessions, roles, permissions, tenants, bans."""

from datetime import timedelta

import pytest

from bitbrat.adapters.memory_store import MemoryStore
from bitbrat.adapters.sqlite_store import SqliteStore
from bitbrat.envelope import Envelope, Source, User
from bitbrat.testing import Sent, an_envelope, deliver
from services.auth import AuthSettings, service
from tests.services.clock import NOON, SetWorld

KEY = "twitch:42"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    """Each store in turn."""
    made = MemoryStore(SetWorld()) if request.param == "memory" else SqliteStore(tmp_path / "auth.db", SetWorld())
    await made.open()
    yield made
    await made.close()


def chat(number: int, *, after: float = 0.0, user: dict | None = None, **changes) -> Envelope:
    """The ``number``-th message of the user 42, ``after`` seconds after noon."""
    who = {"id": "42", "name": "ann", "display_name": "Ann", "profile_image_url": "", "role": "viewer", **(user or {})}
    return an_envelope(id=f"e{number}", timestamp=NOON + timedelta(seconds=after), user=User(**who), **changes)


async def send(store, envelope: Envelope, **settings) -> Sent:
    """One hop through auth."""
    return await deliver(service, envelope, store=store, settings=AuthSettings(**settings) if settings else None)


async def record(store, key: str = KEY, collection: str = "users") -> dict:
    """A user's record as it is kept."""
    found = await store.get(collection, key)
    return found.value if found else {}


async def test_a_known_user_goes_on_to_the_router(store):
    """Whoever is not banned goes on to the router, with a visit of auth in the trail."""
    sent = await send(store, chat(1))

    assert sent.topic == "internal.authenticated.v1"
    assert [visit.service for visit in sent.envelope.trail] == ["auth"]


async def test_the_first_message_ever_and_of_the_session_are_tagged(store):
    """The first message carries both tags, the next none, the first after the gap that of the session only."""
    tags = [(await send(store, chat(i, after=at))).envelope.user.tags for i, at in enumerate([0, 60, 60 + 86_401])]

    assert tags == [("first-message", "first-of-session"), (), ("first-of-session",)]


async def test_the_record_counts_messages_and_sessions(store):
    """First and last sighting, messages and sessions are kept."""
    for i, at in enumerate([0, 60, 90_000]):
        await send(store, chat(i, after=at))

    kept = await record(store)
    assert (kept["firstSeenAt"], kept["lastSeenAt"]) == ("2026-01-31T12:00:00Z", "2026-02-01T13:00:00Z")
    assert (kept["messages"], kept["events"], kept["session"]["number"], kept["session"]["messages"]) == (3, 3, 2, 1)


async def test_an_event_that_is_sent_twice_counts_once(store):
    """A redelivery changes no count, and sends the same once more at most."""
    await send(store, chat(1))
    with pytest.raises(AssertionError, match="sent nothing"):
        await send(store, chat(1))

    assert (await record(store))["messages"] == 1


async def test_an_ex_moderator_loses_role_and_permissions(store):
    """Roles are those of this very message's badges; what the record said before does not help."""
    before = await send(store, chat(1, user={"role": "moderator", "roles": ("moderator", "subscriber")}))
    after = await send(store, chat(2, user={"role": "viewer", "roles": ()}))

    assert before.envelope.user.permissions == ("commands.moderate",)
    assert after.envelope.user.permissions == ()
    assert ((await record(store))["role"], (await record(store))["roles"]) == ("viewer", [])


async def test_a_role_has_the_permissions_of_the_roles_below_it(store):
    """A broadcaster may what a moderator may; roles beside the ladder count by themselves."""
    table = {"viewer": ("talk",), "moderator": ("mute",), "broadcaster": ("all",), "staff": ("look",)}
    sent = await send(store, chat(1, user={"role": "moderator", "roles": ("moderator", "staff")}), permissions=table)

    assert sent.envelope.user.permissions == ("talk", "mute", "look")


async def test_grants_are_added(store):
    """A permission granted to the user alone is added to those of the roles."""
    await store.put("grants", KEY, {"permissions": ["commands.manage"]})
    sent = await send(store, chat(1))

    assert sent.envelope.user.permissions == ("commands.manage",)


async def test_permissions_that_an_event_brings_along_are_dropped(store):
    """Only auth gives permissions and tenants."""
    sent = await send(store, chat(1, user={"permissions": ("all",)}, tenant_id="other"))

    assert sent.envelope.user.permissions == ()
    assert "permissions" not in sent.envelope.to_wire()["user"]
    assert "tenantId" not in sent.envelope.to_wire()


async def test_the_tenant_is_that_of_the_connection(store):
    """The connection decides whose event it is."""
    source = Source(platform="twitch", channel="c", connection_id="shop")
    sent = await send(store, chat(1, source=source), tenants={"shop": "acme"})

    assert sent.envelope.tenant_id == "acme"


@pytest.mark.parametrize("how", ["record", "settings"])
async def test_a_banned_user_is_handled_and_goes_no_further(store, how):
    """A banned user's event is completed as handled, with a note why."""
    if how == "record":
        await store.put("users", KEY, {"banned": True})
    sent = await send(store, chat(1), banned=(KEY,) if how == "settings" else ())

    assert (sent.topic, sent.envelope.status) == ("internal.complete.v1", "HANDLED")
    assert [(note.kind, note.label, note.by) for note in sent.envelope.annotations] == [("auth", "banned", "auth")]


async def test_a_ban_outlives_the_next_sighting(store):
    """Being seen does not lift a ban."""
    await store.put("users", KEY, {"banned": True})
    await send(store, chat(1))

    assert (await record(store))["banned"] is True


async def test_an_event_without_a_user_leaves_no_record(store):
    """A cleared chat has nobody who did it."""
    sent = await send(store, chat(1, user={"id": "", "name": "", "display_name": "", "role": ""}))

    assert sent.topic == "internal.authenticated.v1"
    assert await store.find("users") == []


async def test_a_simulated_event_leaves_the_real_record_alone(store):
    """A simulated message is remembered in a sandbox: the real first message is still the first."""
    await send(store, chat(1, simulated=True))
    real = await send(store, chat(2))

    assert real.envelope.user.tags == ("first-message", "first-of-session")
    assert (await record(store))["messages"] == 1
    assert (await record(store, collection="users~simulated"))["messages"] == 1


async def test_an_event_of_a_step_is_no_sighting(store):
    """What a step has emitted in the user's name is not something that the user did."""
    await send(store, chat(1, type="internal.quest.done.v1"))

    assert await store.find("users") == []


async def test_an_event_without_badges_does_not_touch_the_roles_in_the_record(store):
    """A follow says nothing about badges."""
    await send(store, chat(1, user={"role": "vip", "roles": ("vip",)}))
    await send(store, chat(2, type="external.twitch.channel.follow.v2", user={"role": "", "roles": ()}))

    kept = await record(store)
    assert (kept["role"], kept["messages"], kept["events"]) == ("vip", 1, 2)


async def test_a_late_event_does_not_turn_the_clock_back(store):
    """An event that comes out of order does not make the user seen earlier than they were."""
    await send(store, chat(1, after=100))
    await send(store, chat(2, after=10))

    assert (await record(store))["lastSeenAt"] == "2026-01-31T12:01:40Z"
