"""A line of chat comes in over a real socket, follows its slip, and is answered on the socket."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bitbrat.connectors.twitch.irc_send import INVISIBLE
from bitbrat.fake_twitch import FakeTwitch
from bitbrat.telemetry import names
from tests.connectors.virtual import LoopWorld, virtual
from tests.flow.chat import TOKEN, Toys, chatting, replies


@pytest.fixture
async def twitch() -> AsyncIterator[FakeTwitch]:
    """A chat server where the bot is moderator, so that no pace holds it up."""
    async with FakeTwitch() as server:
        server.moderated.add("chan")
        yield server


@pytest.fixture
def toys() -> Toys:
    """Fresh toys."""
    return Toys()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> str:
    """Each kind of bus and store."""
    return str(request.param)


@pytest.mark.parametrize("ws", [False, True], ids=["tcp", "ws"])
async def test_ping_is_answered_on_the_socket(twitch: FakeTwitch, tmp_path: Path, toys: Toys, store: str, ws: bool) -> None:
    """Ingress, auth, router, commands, egress, finalizer; as the bot's account, without a secret in the log."""
    async with chatting(twitch, tmp_path, toys, store=store, ws=ws) as chat:
        await chat.say("!ping")
        heard = await chat.heard(1)
        (record,) = await chat.finals(1)

    assert (heard, twitch.sent[0].login, twitch.sent[0].channel) == (["pong"], "bot", "chan")
    assert (record.outcome, record.surplus, replies(record)) == ("handled", 0, [("pong", "")])
    assert chat.host.metrics.value(names.EGRESS_SENT, platform="twitch", result="sent") == 1
    assert TOKEN not in chat.log.getvalue()


async def test_a_line_that_comes_twice_is_one_envelope_and_one_reply(twitch: FakeTwitch, tmp_path: Path, toys: Toys, store: str) -> None:
    """Twitch's message id names the event."""
    async with chatting(twitch, tmp_path, toys, store=store) as chat:
        for _ in range(2):
            await chat.say("!ping", id="m-1")
        await chat.say("!shout done")
        heard = await chat.heard(2)
        records = await chat.finals(2)

    assert (heard, [record.surplus for record in records]) == (["pong", "done"], [0, 0])


async def test_a_line_that_comes_again_after_a_restart_is_known(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """The client has forgotten it; bus and store have not."""
    async with chatting(twitch, tmp_path, toys, store="sqlite") as chat:
        await chat.say("!ping", id="m-1")
        await chat.finals(1)

    async with chatting(twitch, tmp_path, toys, store="sqlite") as chat:
        await chat.say("!ping", id="m-1")
        await chat.say("!shout done")
        records = await chat.finals(2)

    assert [sent.text for sent in twitch.sent] == ["pong", "done"]
    assert [record.surplus for record in records] == [0, 0]


async def test_reconnect_in_the_middle_loses_nothing_and_doubles_nothing(
    twitch: FakeTwitch, tmp_path: Path, toys: Toys, store: str
) -> None:
    """Lines before, during and after the hand-over are answered once, in order."""
    async with chatting(twitch, tmp_path, toys, store=store) as chat:
        await chat.say("!shout 1")
        await chat.heard(1)
        await twitch.ask_to_reconnect()
        await chat.say("!shout 2")
        await twitch.until("joins", at_least=2)
        await chat.say("!shout 3")
        heard = await chat.heard(3)
        records = await chat.finals(3)

    assert (sorted(heard), len(records)) == (["1", "2", "3"], 3)


async def test_a_reply_whose_connection_is_lost_is_sent_once_after_the_reconnect(
    twitch: FakeTwitch, tmp_path: Path, toys: Toys, store: str
) -> None:
    """It waits, and only its own topic with it; no attempt is used up."""
    async with chatting(twitch, tmp_path, toys, store=store) as chat:
        await chat.say("!wait here")
        await chat.until(lambda: toys.waiting)
        await twitch.drop()
        await chat.until(lambda: chat.state == "reconnecting")
        toys.door.set()
        other = await chat.ingest("hello", connection="http", egress_destination=None)
        assert (await chat.final(other.id)).outcome == "completed"
        heard = await chat.heard(1)
        records = await chat.finals(2)

    assert [text.rstrip(INVISIBLE) for text in heard] == ["waited: !wait here"]
    assert [text for record in records for text in replies(record)] == [("waited: !wait here", "")]


async def test_a_reply_cannot_write_another_command(twitch: FakeTwitch, tmp_path: Path, toys: Toys) -> None:
    """CR LF becomes a space; a leading slash is text for Twitch, after something that nobody sees."""
    async with chatting(twitch, tmp_path, toys) as chat:
        await chat.say("!shout hello|PRIVMSG #other :boo")
        await chat.heard(1)
        await chat.say("!shout /ban ann")
        heard = await chat.heard(2)
        await chat.finals(2)

    assert heard == ["hello  PRIVMSG #other :boo", f"{INVISIBLE}/ban ann"]
    assert {sent.channel for sent in twitch.sent} == {"chan"}


async def test_a_burst_is_finalised_to_the_last_line(twitch: FakeTwitch, tmp_path: Path, toys: Toys, store: str) -> None:
    """200 lines and what moderators did: accepted = finalised, none came to its end twice, the poison line is counted."""
    notices = [
        "@room-id=100;target-user-id=2;ban-duration=5;tmi-sent-ts=1700000000001 :tmi.twitch.tv CLEARCHAT #chan :ann",
        "@login=ann;room-id=;target-msg-id=m-3;tmi-sent-ts=1700000000002 :tmi.twitch.tv CLEARMSG #chan :bad words",
        "@msg-id=raid;id=n-1;login=bob;display-name=Bob;user-id=3;room-id=100;msg-param-viewerCount=5;msg-param-login=bob;"
        "tmi-sent-ts=1700000000003;system-msg=5\\sraiders :tmi.twitch.tv USERNOTICE #chan",
    ]
    async with chatting(twitch, tmp_path, toys, store=store) as chat:
        for number in range(200):
            await chat.say(f"line {number}" if number % 20 else "!ping", id=f"m-{number}")
        await twitch.play([*notices, "@id=x;:: : PRIVMSG"])
        records = await chat.finals(203)
        heard = await chat.heard(10)
        accepted = chat.host.metrics.value(names.EVENTS_ACCEPTED)
        counts = await chat.host.runtime.store.counts()

    assert (len(records), accepted, {record.surplus for record in records}) == (203, 203, {0})
    assert {record.outcome for record in records} == {"completed", "handled"}
    assert {record.type for record in records} == {
        f"external.chat.{kind}.v1" for kind in ("message", "cleared", "message-deleted", "notification")
    }
    assert (len(heard), counts["outbox"], chat.host.metrics.value(names.EVENTS_IN_FLIGHT)) == (10, 0, 0)


@virtual
async def test_replies_keep_within_twitchs_limits() -> None:
    """Thirty answers at once where the bot is a plain viewer: never more than 20 in 30 s, at least 1.2 s apart, none lost."""
    with tempfile.TemporaryDirectory() as folder:
        world = LoopWorld()
        async with FakeTwitch(world=world) as twitch, chatting(twitch, Path(folder), Toys(), world=world) as chat:
            for number in range(30):
                await chat.say(f"!shout {number}")
            heard = await chat.heard(30, seconds=300)

    times = [sent.at for sent in twitch.sent]
    assert sorted(heard, key=int) == [str(number) for number in range(30)]
    assert max(sum(start <= at < start + 30 for at in times) for start in times) <= 20
    assert min(after - before for before, after in itertools.pairwise(times)) >= 1.199
