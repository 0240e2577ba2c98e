"""The dead-letter handler: any bytes, kept whole, under the right id."""

import hashlib

import pytest

from bitbrat.bus import Message
from bitbrat.codec import encode
from bitbrat.envelope import RoutingStep, StepError
from bitbrat.store import FinalRecord
from bitbrat.testing import an_envelope, platform
from bitbrat.topics import DLQ
from services.dlq import service

HEADERS = {"bb-reason": "slip.wrong_step", "bb-source-topic": "internal.quest.v1", "bb-group": "quest"}


async def kept(data: bytes, **headers: str) -> FinalRecord:
    """The record of one dead letter."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    async with platform(service) as running:
        await running.runtime.bus.publish(DLQ, Message("w1", data, HEADERS | named))
        return await running.final(_id(data, named))


def _id(data: bytes, named: dict[str, str]) -> str:
    readable = data.startswith(b"{") and data.endswith(b"}") and named.get("bb-reason") != "envelope.id_conflict"
    return "1234567890" if readable else f"sha256:{hashlib.sha256(data).hexdigest()}"


async def test_a_readable_envelope_keeps_its_id_and_its_bytes():
    """With the reason, the origin and the group, and a summary to read."""
    data = encode(an_envelope(text="!quest", slip=["quest"]))
    record = await kept(data)

    assert (record.outcome, record.data, record.code) == ("dead_lettered", data, "slip.wrong_step")
    assert (record.source_topic, record.group, record.correlation_id) == ("internal.quest.v1", "quest", "1234567890")
    assert (record.detail["text"], record.detail["failure"]["code"]) == ("!quest", "slip.wrong_step")


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"{", b"[1]", b"\xef\xbb\xbf{}", b"x" * 5000])
async def test_any_bytes_are_kept(data):
    """What nobody can read is kept under its hash."""
    record = await kept(data, bb_reason="envelope.not_json")

    assert (record.data, record.code, record.detail["size"]) == (data, "envelope.not_json", len(data))


async def test_an_id_that_belongs_to_another_envelope_is_not_taken():
    """The second content under one id is kept under its own hash, so that the first one's record stays free."""
    data = encode(an_envelope())
    record = await kept(data, bb_reason="envelope.id_conflict")

    assert (record.id, record.type) == (f"sha256:{hashlib.sha256(data).hexdigest()}", "external.chat.message.v1")


async def test_a_failed_step_is_named_in_a_readable_dead_letter():
    """A failure without a completion destination still belongs to its step."""
    step = RoutingStep(id="quest", status="ERROR", destination="internal.quest.v1", error=StepError(code="step.crashed", message="boom"))
    record = await kept(encode(an_envelope(slip=[step], status="FAILED")), bb_reason="slip.no_completion")

    assert (record.code, record.detail["failure"]["step"], record.detail["failure"]["message"]) == ("slip.no_completion", "quest", "boom")
