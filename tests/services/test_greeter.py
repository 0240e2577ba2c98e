"""The greeter, tested as its author would."""

from bitbrat.testing import an_envelope, deliver
from services.greeter import service


async def test_hello_is_handled():
    """``!hello`` is answered, and the steps after it do not run."""
    sent = await deliver(service, an_envelope(text="!hello", slip=["greeter", "llm"]))

    assert sent.topic == "internal.egress.v1"
    assert sent.envelope.replies[0].text == "Hello, An Admin User!"
    assert [step.status for step in sent.envelope.routing_slip] == ["OK", "SKIP"]


async def test_other_chat_goes_to_the_next_step():
    """What is not ``!hello`` is left to the step behind."""
    sent = await deliver(service, an_envelope(text="hello", slip=["greeter", "llm"]))

    assert sent.topic == "internal.llm.v1"
    assert [step.status for step in sent.envelope.routing_slip] == ["SKIP", "PENDING"]
