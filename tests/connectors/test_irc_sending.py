"""What leaves the client: within Twitch's limits, in order, and with a clear word about what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bitbrat.connectors.twitch.irc_config import IrcLimits, SendResult
from bitbrat.connectors.twitch.irc_send import INVISIBLE
from bitbrat.connectors.twitch.rate import SendLimits
from bitbrat.errors import ConfigError, ConnectorError
from bitbrat.fake_twitch import Sent
from tests.connectors.bench import chat, until
from tests.connectors.virtual import LoopWorld, virtual

UNLIMITED = IrcLimits(sends=SendLimits(normal=10_000, privileged=10_000, pace=0))


def most_in_30_seconds(sent: Sequence[Sent]) -> int:
    """The largest number of messages in any 30 s, as Twitch would count them."""
    times = [message.at for message in sent]
    return max(sum(start <= at < start + 30 for at in times) for start in times)


async def forty_messages(channels: Sequence[str], moderated: set[str], limits: IrcLimits | None = None) -> Sequence[Sent]:
    """What a server saw of forty messages that were all wanted at once."""
    async with chat(channels=tuple(channels), moderated=moderated, **({"limits": limits} if limits else {})) as (server, client, _):
        await until(lambda: len(client.status.joined) == len(channels))
        sends = [client.send(channels[n % len(channels)], f"message {n}") for n in range(40)]
        results = await asyncio.gather(*sends)

        assert all(result.sent and result.acknowledged for result in results)
        return server.sent


@virtual
async def test_forty_messages_at_once_never_go_over_the_limit_of_20_in_30_seconds() -> None:
    """None is lost either: they wait."""
    sent = await forty_messages(["one", "two", "three"], moderated=set())

    assert len(sent) == 40
    assert most_in_30_seconds(sent) == 20


@virtual
async def test_without_the_budget_the_same_forty_messages_go_over_the_limit() -> None:
    """So the test above tests something."""
    sent = await forty_messages(["one", "two", "three"], moderated=set(), limits=UNLIMITED)

    assert most_in_30_seconds(sent) == 40


@virtual
async def test_a_moderator_may_send_100_in_30_seconds_without_a_pause() -> None:
    """Forty fit into one window."""
    sent = await forty_messages(["one"], moderated={"one"})

    assert most_in_30_seconds(sent) == 40


@virtual
async def test_messages_of_a_viewer_to_one_channel_are_1_2_seconds_apart() -> None:
    """Whether or not the window has room."""
    async with chat() as (server, client, _):
        await asyncio.gather(*(client.send("chan", f"message {n}") for n in range(5)))

        gaps = [after.at - before.at for before, after in zip(server.sent, server.sent[1:], strict=False)]
        assert min(gaps) >= 1.199


@virtual
async def test_messages_to_moderated_channels_count_against_the_others() -> None:
    """One counter for the account: after 20 anywhere, a viewer's message waits."""
    async with chat(channels=("mine", "theirs"), moderated={"mine"}) as (server, client, _):
        await until(lambda: len(client.status.joined) == 2)
        for n in range(20):
            await client.send("mine", f"message {n}")
        await client.send("theirs", "hello")

        assert server.sent[20].channel == "theirs"
        assert server.sent[20].at - server.sent[0].at >= 30


@virtual
async def test_messages_of_one_channel_leave_in_the_order_of_the_calls_and_the_queue_can_be_seen() -> None:
    """The parts of a long one stay together."""
    async with chat() as (server, client, _):
        long = "a" * 500 + " " + "b" * 500
        sends = [asyncio.create_task(client.send("chan", text)) for text in ("first", long, "last")]
        await asyncio.sleep(0)
        waiting = client.queued
        await asyncio.gather(*sends)

        assert [message.text for message in server.sent] == ["first", "a" * 500, "b" * 500, "last"]
        assert (waiting, client.queued) == (3, 0)


@virtual
async def test_a_reply_carries_the_parents_id_and_an_action_is_a_me() -> None:
    """The tag's value is escaped: an id from outside cannot add a tag."""
    async with chat(moderated={"chan"}) as (server, client, _):
        await client.send("#Chan", "yes", reply_to="id;a b")
        await client.send("chan", "waves", action=True)

        assert server.sent[0].tags["reply-parent-msg-id"] == "id;a b"
        assert server.sent[0].tags["client-nonce"] != server.sent[1].tags["client-nonce"]
        assert server.sent[1].text == "/me waves"


@virtual
async def test_the_same_text_again_differs_by_something_invisible() -> None:
    """Twitch drops a message that equals the one before."""
    async with chat(moderated={"chan"}) as (server, client, _):
        for _ in range(3):
            await client.send("chan", "pong")
        await asyncio.sleep(60)
        await client.send("chan", "pong")

        assert [message.text for message in server.sent] == ["pong", "pong" + INVISIBLE, "pong", "pong"]


@virtual
async def test_line_ends_in_a_text_cannot_smuggle_a_command() -> None:
    """They become spaces; the server sees one PRIVMSG."""
    async with chat() as (server, client, _):
        await client.send("chan", "hello\r\nQUIT\n:bot PRIVMSG #other :x\0")

        assert [message.text for message in server.sent] == ["hello  QUIT :bot PRIVMSG #other :x"]
        assert not any(line.startswith("QUIT") for line in server.connections[0].lines)


@pytest.mark.parametrize("name", ["", "#", "two words", "chan\r\nQUIT", "a,b", ":x"])
@virtual
async def test_a_name_that_is_no_channels_is_refused_before_it_reaches_the_wire(name: str) -> None:
    """It would be a part of the line."""
    async with chat() as (server, client, _):
        with pytest.raises(ConfigError):
            await client.send(name, "hello")

        assert server.sent == []


@virtual
async def test_twitchs_no_comes_back_with_its_reason() -> None:
    """A NOTICE soon after is about the channel's last message."""
    async with chat() as (server, client, _):
        server.refusals["chan"] = "msg_ratelimit"

        result = await client.send("chan", "hello")

        expected = SendResult(False, 1, 1, code="egress.refused", notice="msg_ratelimit", message="Your message was not sent.")
        assert result == expected
        assert client.counts["egress.refused"] == 1


@virtual
async def test_the_rest_of_a_message_is_not_sent_after_a_no() -> None:
    """Half an answer is worse than none."""
    async with chat() as (server, client, _):
        server.refusals["chan"] = "msg_slowmode"

        result = await client.send("chan", "a" * 500 + " b")

        assert (result.parts, result.written, len(server.sent)) == (2, 1, 1)


@virtual
async def test_a_notice_about_the_room_is_no_refusal() -> None:
    """Slow mode switched on says nothing about our message."""
    async with chat() as (server, client, _):
        server.acknowledge = False
        sending = asyncio.create_task(client.send("chan", "hello"))
        await server.until("sent", at_least=1)
        await server.play(["@msg-id=slow_on :tmi.twitch.tv NOTICE #chan :This room is now in slow mode."])

        assert (await sending).sent


@virtual
async def test_no_answer_from_twitch_is_sent_and_not_acknowledged() -> None:
    """Neither USERSTATE nor NOTICE is guaranteed."""
    async with chat() as (server, client, _):
        server.acknowledge = False

        result = await client.send("chan", "hello")

        assert (result.sent, result.acknowledged) == (True, False)


@virtual
async def test_without_a_connection_nothing_is_sent_and_it_says_so_at_once() -> None:
    """Safe to try again."""
    async with chat() as (server, client, _):
        await server.stop()
        await until(lambda: client.status.state == "reconnecting")

        with pytest.raises(ConnectorError) as caught:
            await client.send("chan", "hello")
        assert caught.value.code == "egress.not_sent"


@virtual
async def test_a_connection_that_ends_right_after_the_message_leaves_its_fate_unknown() -> None:
    """Not safe to try again."""
    async with chat() as (server, client, _):
        server.acknowledge = False
        sending = asyncio.create_task(client.send("chan", "hello"))
        await server.until("sent", at_least=1)
        await server.drop()

        with pytest.raises(ConnectorError) as caught:
            await sending
        assert caught.value.code == "egress.unknown_outcome"


@virtual
async def test_a_message_whose_first_part_is_out_is_not_unsent_when_the_second_cannot_go() -> None:
    """Trying the whole again would double the first part."""
    async with chat() as (server, client, _):
        sending = asyncio.create_task(client.send("chan", "a" * 500 + " b"))
        await server.until("sent", at_least=1)
        await asyncio.sleep(0.1)
        await server.stop()

        with pytest.raises(ConnectorError) as caught:
            await sending
        assert caught.value.code == "egress.unknown_outcome"


@virtual
async def test_a_cancelled_send_that_waits_for_its_turn_has_written_nothing_and_holds_up_nobody() -> None:
    """Shutdown cancels what has not started."""
    async with chat() as (server, client, _):
        await client.send("chan", "one")
        waiting = asyncio.create_task(client.send("chan", "two"))
        await asyncio.sleep(0.5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await client.send("chan", "three")

        assert [message.text for message in server.sent] == ["one", "three"]
        assert client.queued == 0


@virtual
async def test_a_message_whose_turn_comes_after_its_deadline_is_not_sent() -> None:
    """An answer to a question of an hour ago confuses."""
    async with chat(world=LateWorld()) as (server, client, _):
        with pytest.raises(ConnectorError) as caught:
            await client.send("chan", "hello", deadline=LateWorld.NOON - timedelta(seconds=1))

        assert caught.value.code == "egress.too_late"
        assert server.sent == []


@virtual
async def test_a_text_of_nothing_but_controls_is_empty() -> None:
    """There is nothing to send, and nothing to try again."""
    async with chat() as (server, client, _):
        result = await client.send("chan", "\r\n\0 ")

        assert (result.sent, result.code, server.sent) == (False, "egress.empty", [])


class LateWorld(LoopWorld):
    """It is noon, always."""

    NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Noon."""
        return self.NOON
