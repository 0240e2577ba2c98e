"""What becomes of a reply: sent once, or settled with the reason; nothing in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bitbrat.codec import decode
from bitbrat.fake_twitch import FakeTwitch
from bitbrat.store import Hop
from bitbrat.telemetry import names
from bitbrat.topics import EGRESS
from tests.flow.chat import Toys, chatting, replies


@pytest.fixture
async def twitch() -> AsyncIterator[FakeTwitch]:
    """A chat server where the bot is moderator."""
    async with FakeTwitch() as server:
        server.moderated.add("chan")
        yield server


@pytest.fixture
def toys() -> Toys:
    """Fresh toys."""
    return Toys()


async def test_a_reply_that_twitch_refuses_is_settled_with_its_reason(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """It is not repeated; the envelope goes on to its end."""
    twitch.refusals["chan"] = "msg_slowmode"
    async with chatting(twitch, tmp_path, toys) as chat:
        await chat.say("!ping")
        (record,) = await chat.finals(1)

    assert (len(twitch.sent), replies(record)) == (1, [("pong", "egress.refused")])
    assert "msg_slowmode" in str(record.detail["replies"])
    assert chat.host.metrics.value(names.EGRESS_SENT, platform="twitch", result="egress.refused") == 1


async def test_a_login_that_needs_a_person_is_shown_and_stops_nothing(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """Ready all the same, with the state in the details, in a log line and in the gauge; replies are settled with what to do."""
    twitch.tokens = {"another"}
    async with chatting(twitch, tmp_path, toys) as chat:
        await chat.until(lambda: chat.state == "needs_signin")
        asked = await chat.ingest("!ping")
        record = await chat.final(asked.id)
        status, body = await chat.ready()

    (reply,) = decode(record.data).replies
    assert (status, body["details"]["twitch"]) == (200, "needs_signin: Login authentication failed")
    assert reply.delivered is not None
    assert reply.delivered.error is not None
    assert reply.delivered.error.code == "egress.not_sent"
    assert "BITBRAT_TWITCH__TOKEN" in (reply.delivered.error.message or "")
    assert '"state":"needs_signin"' in chat.log.getvalue().replace(" ", "")


async def test_the_connections_state_is_a_gauge(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """3 is online; the details say which channel could not be joined."""
    twitch.banned.add("elsewhere")
    async with chatting(twitch, tmp_path, toys, TWITCH__CHANNELS="chan,elsewhere") as chat:
        await chat.until(lambda: "irc.join_failed" in chat.log.getvalue())
        _, body = await chat.ready()
        value = chat.host.metrics.value(names.CONNECTION_STATE, platform="twitch", slot="twitch")

    assert (value, body["details"]["twitch"].split(" (")[0]) == (3, "online; not joined: #elsewhere")


async def test_a_simulated_reply_reaches_no_socket(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """It is settled as delivered to nobody."""
    async with chatting(twitch, tmp_path, toys) as chat:
        asked = await chat.ingest("!ping", simulated=True)
        record = await chat.final(asked.id)

    assert (replies(record), twitch.sent) == ([("pong", "")], [])
    assert chat.host.metrics.value(names.EGRESS_SENT, platform="twitch", result="simulated") == 1


@pytest.mark.parametrize("text", ["!sorry", "!sorry crash"])
async def test_an_apology_of_a_failed_step_is_said_once(twitch: FakeTwitch, tmp_path: Path, toys: Toys, text: str) -> None:
    """Finalizer, egress, finalizer: one reply, one record. A failure without a reply says nothing."""
    async with chatting(twitch, tmp_path, toys) as chat:
        await chat.say(text)
        (record,) = await chat.finals(1)

    said = [] if "crash" in text else ["sorry!"]
    assert ([sent.text for sent in twitch.sent], record.outcome, record.surplus) == (said, "failed", 0)
    visits = [visit.service for visit in decode(record.data).trail]
    assert visits == ["ingress", "auth", "router", *(["finalizer", "egress"] if said else [])]


async def test_a_reply_behind_its_deadline_is_too_late(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """Nobody wants an old answer in chat."""
    async with chatting(twitch, tmp_path, toys) as chat:
        await chat.say("!late hello")
        await chat.until(lambda: toys.waiting)
        await asyncio.sleep(1.05)
        toys.door.set()
        (record,) = await chat.finals(1)

    assert (twitch.sent, replies(record)) == ([], [("waited: !late hello", "egress.too_late")])


async def test_a_reply_whose_write_was_cut_off_by_a_crash_is_not_repeated(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """The note says that a write was begun; whether it arrived, nobody knows."""
    async with chatting(twitch, tmp_path, toys) as chat:
        await chat.say("!wait")
        await chat.until(lambda: toys.waiting)
        (accepted,) = _accepted(chat.log.getvalue())
        await chat.host.runtime.store.claim(
            Hop("ingress-egress#once", f"{accepted}#0"), owner="a process that died", lease=0.0, max_starts=1_000, intent=True
        )
        toys.door.set()
        (record,) = await chat.finals(1)

    assert (twitch.sent, replies(record)) == ([], [("waited: !wait", "egress.unknown_outcome")])


async def test_a_stop_loses_no_reply_that_waits_for_its_turn(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """Where the bot is a plain viewer five answers take five seconds; the process stops before, and the next one says the rest."""
    twitch.moderated.clear()
    async with chatting(twitch, tmp_path, toys, store="sqlite", DRAIN_SECONDS="1") as chat:
        for number in range(5):
            await chat.say(f"!shout {number}")
        await chat.heard(1)
        await chat.until(lambda: chat.log.getvalue().count('"step":"shout"') == 5)
    early = len(twitch.sent)
    async with chatting(twitch, tmp_path, toys, store="sqlite") as chat:
        records = await chat.finals(5)

    assert early < 5
    assert sorted(sent.text for sent in twitch.sent) == ["0", "1", "2", "3", "4"]
    assert [code for record in records for _, code in replies(record)] == [""] * 5


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"connection": "elsewhere"}, "no connection 'elsewhere'"),
        ({"channel": ""}, "is not the name of a channel"),
    ],
    ids=["unknown-connection", "no-channel"],
)
async def test_a_reply_that_can_never_be_sent_does_not_wait(
    twitch: FakeTwitch, tmp_path: Path, toys: Toys, changes: dict[str, str], told: str
) -> None:
    """It is settled, with why."""
    async with chatting(twitch, tmp_path, toys) as chat:
        asked = await chat.ingest("!ping", **changes)
        record = await chat.final(asked.id)

    assert replies(record) == [("pong", "egress.not_sent")]
    assert told in str(record.detail["replies"])


async def test_the_common_topic_does_not_wait_for_one_connection(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """What is not sent over the connection's own topic is settled, so that it holds up nobody."""
    async with chatting(twitch, tmp_path, toys) as chat:
        await twitch.stop()
        await chat.until(lambda: chat.state == "reconnecting")
        asked = await chat.ingest("!ping", egress_destination=EGRESS)
        record = await chat.final(asked.id)

    assert replies(record) == [("pong", "egress.not_sent")]


def _accepted(log: str) -> list[str]:
    """The ids of the envelopes that the log says were accepted."""
    lines = [json.loads(line) for line in log.splitlines()]
    return [line["envelope_id"] for line in lines if line["msg"] == "accepted"]
