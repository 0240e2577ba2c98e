"""What service authors' tests import."""

import pytest
from pydantic_settings import BaseSettings

from bitbrat import Next, Service
from bitbrat.testing import an_envelope, deliver


async def test_a_handler_that_changes_its_input_is_found_out():
    """A frozen envelope can hold a mutable payload; what a handler does to it would be lost or doubled in production."""
    service = Service("careless")

    @service.step("internal.careless.v1")
    async def handler(envelope, ctx):
        envelope.payload["seen"] = True
        return Next()

    with pytest.raises(AssertionError, match="changed the envelope"):
        await deliver(service, an_envelope(slip=["careless"]))


async def test_a_handler_that_returns_a_payload_of_its_own_is_not():
    """A new payload is how a step changes it."""
    service = Service("careful")

    @service.step("internal.careful.v1")
    async def handler(envelope, ctx):
        return Next(payload={**envelope.payload, "seen": True})

    sent = await deliver(service, an_envelope(text="hi", slip=["careful"]))

    assert sent.envelope.payload == {"text": "hi", "seen": True}


class Settings(BaseSettings):
    """Settings that all have defaults."""

    limit: int = 3


@pytest.mark.parametrize(("settings", "seen"), [(None, 3), (Settings(limit=9), 9)])
async def test_settings_have_their_defaults_unless_a_test_gives_others(settings, seen):
    """A handler finds its settings also where a test says nothing of them."""
    service = Service("set", settings=Settings)

    @service.step("internal.set.v1")
    async def handler(envelope, ctx):
        return Next(payload={"limit": ctx.settings.limit})

    sent = await deliver(service, an_envelope(slip=["set"]), settings=settings)

    assert sent.envelope.payload == {"limit": seen}
