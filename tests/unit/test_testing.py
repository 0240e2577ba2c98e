"""What service authors' tests import."""

import pytest

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
