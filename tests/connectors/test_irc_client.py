"""The chat client against a chat server on a real socket, on a clock that jumps."""

from __future__ import annotations

import asyncio

import pytest

from bitbrat.connectors.twitch.irc_config import IrcTimings
from bitbrat.connectors.twitch.irc_line import IrcLine
from bitbrat.errors import ConnectorError
from bitbrat.fake_twitch import FakeTwitch
from tests.connectors.bench import Heard, chat, make_client, running, until
from tests.connectors.virtual import LoopWorld, virtual


@virtual
async def test_it_logs_in_asks_for_tags_first_and_joins_in_lower_case() -> None:
    """Without the tags capability first, the first messages would come without ids."""
    async with chat(channels=("#Chan", "other")) as (server, client, _):
        await until(lambda: len(client.status.joined) == 2)

        lines = server.connections[0].lines
        assert lines[:3] == ["CAP REQ :twitch.tv/tags twitch.tv/commands", "PASS oauth:TOKEN", "NICK bot"]
        assert client.status.joined == {"chan", "other"}
        assert client.status.state == "online"
        assert server.joins == ["chan", "other"]


@virtual
async def test_without_a_token_it_reads_anonymously_and_cannot_write() -> None:
    """A reader needs no account, and is told so when it tries to speak."""
    async with chat(token=None) as (server, client, heard):
        await server.say("chan", "ann", "hello")
        await until(lambda: heard.texts)

        assert server.connections[0].lines[1].startswith("NICK justinfan")
        assert not server.passwords
        with pytest.raises(ConnectorError, match="anonymous") as caught:
            await client.send("chan", "hi")
        assert caught.value.code == "egress.not_sent"


@virtual
async def test_a_ping_is_answered_with_its_argument_and_a_bare_one_with_a_bare_pong() -> None:
    """Twitch closes the connection of a client that does not answer."""
    async with chat() as (server, _, _):
        await server.ping("tmi.twitch.tv 1 2")
        await server.play(["PING"])
        await until(lambda: "PONG" in server.connections[0].lines)

        assert "PONG :tmi.twitch.tv 1 2" in server.connections[0].lines


@virtual
async def test_a_flood_of_pings_is_answered_only_so_often() -> None:
    """The lines behind the flood still come through."""
    async with chat() as (server, client, heard):
        await server.play(["PING :x"] * 500)
        await server.say("chan", "ann", "still here")
        await until(lambda: heard.texts)

        assert sum(line.startswith("PONG") for line in server.connections[0].lines) == 50
        assert client.counts["irc.ping_flood"] == 450


@virtual
async def test_a_link_that_died_silently_is_found_out_and_replaced_within_30_seconds() -> None:
    """Half-open TCP is the most common silent death: only our own PING finds it."""
    async with chat() as (server, client, heard):
        server.silent = True
        fell_silent = asyncio.get_running_loop().time()
        await until(lambda: client.status.state == "reconnecting")
        server.silent = False
        await until(lambda: client.status.state == "online" and client.status.joined)
        took = asyncio.get_running_loop().time() - fell_silent
        await server.say("chan", "ann", "back")
        await until(lambda: heard.texts)

        assert took <= 30
        assert heard.went_through == ["connecting", "online", "reconnecting", "online"]
        assert "no answer to our PING" in next(status.cause for status in heard.states if status.state == "reconnecting")


@virtual
async def test_a_lost_connection_comes_back_for_ever_with_growing_jittered_waits() -> None:
    """Thirty failures in a row end in waits around the cap, never in giving up."""
    heard = Heard()
    server = FakeTwitch(world=LoopWorld())
    await server.start()
    url = server.url
    await server.stop()

    async with running(make_client(url, heard)) as client:
        await until(lambda: client.counts["irc.disconnected"] >= 30, within=4000)

        took = asyncio.get_running_loop().time()
        assert client.status.state == "reconnecting"
        assert 30 * 10 < took < 30 * 60  # the waits have grown, and none is over the cap


@virtual
async def test_a_reconnect_overlaps_so_that_nothing_is_lost_and_nothing_comes_twice() -> None:
    """Ten seconds of talk at twenty lines a second, and a RECONNECT in the middle."""
    async with chat() as (server, _client, heard):
        spoken = [f"message {n}" for n in range(200)]
        for n, text in enumerate(spoken):
            await server.say("chan", "ann", text)
            await asyncio.sleep(0.05)
            if n == 20:
                await server.ask_to_reconnect()
        await until(lambda: len(heard.texts) >= len(spoken))
        await asyncio.sleep(5)

        assert heard.texts == spoken
        assert len(server.connections) == 2
        assert server.connections[0].closed.is_set()
        assert server.connections[1].open
        assert heard.went_through == ["connecting", "online"]


@virtual
async def test_a_clear_chat_during_the_overlap_comes_once() -> None:
    """Lines without an id are told apart by what they say and when."""
    async with chat() as (server, _client, heard):
        await server.ask_to_reconnect()
        await until(lambda: len(server.joins) == 2)
        await server.play(["@room-id=100;tmi-sent-ts=1 :tmi.twitch.tv CLEARCHAT #chan"])
        await asyncio.sleep(5)

        assert [line.command for line in heard.lines] == ["CLEARCHAT"]


@virtual
async def test_the_old_connection_goes_on_while_the_new_one_cannot_be_opened() -> None:
    """A hand-over that fails takes away nothing that still works."""
    async with chat(tokens={"TOKEN"}) as (server, client, heard):
        server.tokens = set()
        await server.ask_to_reconnect()
        await until(lambda: client.status.state == "needs_signin")
        await server.say("chan", "ann", "heard on the old one")
        await until(lambda: heard.texts)

        assert client.status.joined == {"chan"}


@virtual
async def test_a_refused_token_is_refreshed_once_and_then_waits_for_a_sign_in() -> None:
    """No loop with dead tokens, nothing stops, and a sign-in goes on from there."""
    heard, asked = Heard(), []

    async def provider() -> str:
        asked.append(1)
        return "FRESH"

    async with (
        FakeTwitch(world=LoopWorld(), tokens={"GOOD"}) as server,
        running(make_client(server.url, heard, token_provider=provider)) as client,
    ):
        await until(lambda: client.status.state == "needs_signin")
        await asyncio.sleep(3600)
        assert server.passwords == ["oauth:TOKEN", "oauth:FRESH"]
        assert (client.status.code, client.status.cause) == ("irc.login_failed", "Login authentication failed")

        client.sign_in("GOOD")
        await until(lambda: client.status.joined)

        assert len(asked) == 1
        assert heard.went_through == ["connecting", "needs_signin", "online"]


@virtual
async def test_a_refreshed_token_gets_it_online() -> None:
    """The provider's token may carry the prefix."""
    heard = Heard()

    async def provider() -> str:
        return "oauth:FRESH"

    async with (
        FakeTwitch(world=LoopWorld(), tokens={"FRESH"}) as server,
        running(make_client(server.url, heard, token_provider=provider)) as client,
    ):
        await until(lambda: client.status.joined)

        assert server.passwords == ["oauth:TOKEN", "oauth:FRESH"]


@virtual
async def test_a_provider_that_fails_is_as_good_as_none() -> None:
    """Its error is the provider's, not the client's."""
    heard = Heard()

    async def provider() -> str:
        raise OSError("no network")

    async with (
        FakeTwitch(world=LoopWorld(), tokens=set()) as server,
        running(make_client(server.url, heard, token_provider=provider)) as client,
    ):
        await until(lambda: client.status.state == "needs_signin")
        await asyncio.sleep(600)

        assert server.passwords == ["oauth:TOKEN"]


@virtual
async def test_a_channel_that_gives_no_answer_fails_alone() -> None:
    """Twitch says nothing at all about a channel that does not exist."""
    async with chat(channels=("gone", "chan"), missing={"gone"}) as (_, client, _):
        await until(lambda: client.status.join_failed)

        assert client.status.joined == {"chan"}
        assert set(client.status.join_failed) == {"gone"}


@pytest.mark.parametrize(("how", "word"), [("banned", "msg_banned"), ("suspended", "msg_channel_suspended")])
@virtual
async def test_a_channel_that_refuses_us_is_not_tried_again_not_even_after_a_reconnect(how: str, word: str) -> None:
    """A ban does not go away by asking again."""
    async with chat(channels=("chan", "shut"), **{how: {"shut"}}) as (server, client, _):
        await until(lambda: client.status.join_failed)
        await server.drop()
        await until(lambda: server.joins.count("chan") == 2)
        await asyncio.sleep(60)

        assert server.joins.count("shut") == 1
        assert word in client.status.join_failed["shut"]


@virtual
async def test_at_most_20_joins_go_out_in_any_11_seconds() -> None:
    """Fifty channels take three windows."""
    channels = tuple(f"channel{n}" for n in range(50))
    async with chat(channels=channels) as (server, client, _):
        seen = []
        while len(client.status.joined) < len(channels):
            seen.append(len(server.joins))
            await asyncio.sleep(1)

        assert seen[:11] == [seen[0]] * 11
        assert max(seen[:11]) == 20
        assert max(seen[:22]) == 40


@virtual
async def test_what_our_own_account_says_is_ignored() -> None:
    """A bot that answers itself would never stop."""
    async with chat() as (server, client, heard):
        await server.say("chan", "bot", "pong")
        await server.say("chan", "ann", "end")
        await until(lambda: heard.texts)

        assert heard.texts == ["end"]
        assert client.counts["own"] == 1


@virtual
async def test_a_streamer_who_lends_the_bot_the_account_is_heard_and_only_the_echo_is_ignored() -> None:
    """Many bots run on the streamer's own account, and the streamer types commands too."""
    async with chat(ignore_own_account=False) as (server, client, heard):
        await client.send("chan", "pong")
        await server.say("chan", "bot", "pong")
        await server.say("chan", "bot", "!ping")
        await until(lambda: heard.texts)

        assert heard.texts == ["!ping"]


@virtual
async def test_room_state_is_merged_and_our_roles_are_known() -> None:
    """ROOMSTATE is full on joining and partial afterwards."""
    async with chat(moderated={"chan"}) as (server, client, heard):
        await server.play(["@room-id=100;slow=10 :tmi.twitch.tv ROOMSTATE #chan"])
        await server.say("chan", "ann", "end")
        await until(lambda: heard.texts)

        assert client.roles("chan") == {"moderator"}
        assert client.room("chan")["slow"] == "10"
        assert client.room("chan")["followers-only"] == "-1"


@virtual
async def test_64_kib_without_a_line_end_close_the_connection_and_a_new_one_is_opened() -> None:
    """Whatever sends that is not a chat server any more."""
    async with chat() as (server, client, heard):
        await server.connections[0].send(b"x" * 66_000)
        await until(lambda: len(server.connections) == 2 and client.status.joined)

        assert client.counts["irc.line_too_long"] == 1
        assert "irc.line_too_long" in [status.code for status in heard.states]


@virtual
async def test_bad_lines_are_counted_and_the_next_ones_go_on() -> None:
    """A malformed line costs itself only."""
    async with chat() as (server, client, heard):
        await server.connections[0].send(b"\r\n@\r\n   \r\n:x\r\n\xff\xfe\r\n:tmi.twitch.tv 999 bot :new\r\nHELLO #chan :new\r\n")
        await server.say("chan", "ann", "end")
        await until(lambda: heard.texts)

        assert client.counts["irc.malformed"] == 2
        assert "HELLO" in [line.command for line in heard.lines]
        assert len(server.connections) == 1


@virtual
async def test_what_the_consumer_raises_is_counted_and_the_next_line_goes_on() -> None:
    """The client outlives its consumer's errors."""
    heard = Heard()

    async def on_line(line: IrcLine) -> None:
        await heard.on_line(line)
        if len(heard.lines) == 1:
            raise ConnectorError("bus.full", "no room")

    async with chat(on_line=on_line) as (server, client, _):
        await server.say("chan", "ann", "one")
        await server.say("chan", "ann", "two")
        await until(lambda: len(heard.texts) == 2)

        assert client.counts["irc.line_refused"] == 1


@virtual
async def test_a_slow_consumer_slows_the_reader_but_not_the_answers_to_ping() -> None:
    """Lines wait in the buffer, PING does not."""
    heard, go_on = Heard(), asyncio.Event()

    async def on_line(line: IrcLine) -> None:
        await go_on.wait()
        await heard.on_line(line)

    async with chat(on_line=on_line) as (server, client, _):
        for n in range(100):
            await server.say("chan", "ann", f"{n}")
        await server.ping("now")
        await until(lambda: "PONG :now" in server.connections[0].lines)
        assert heard.texts == []

        go_on.set()
        await until(lambda: len(heard.texts) == 100)
        assert client.status.state == "online"


@virtual
async def test_a_consumer_that_is_stuck_for_minutes_does_not_make_the_link_look_dead() -> None:
    """With the buffer full nothing is read; a PONG that nobody read is not missing."""
    heard, go_on = Heard(), asyncio.Event()

    async def on_line(line: IrcLine) -> None:
        await go_on.wait()
        await heard.on_line(line)

    async with chat(on_line=on_line) as (server, client, _):
        for n in range(3000):
            await server.say("chan", "ann", f"{n}")
        await asyncio.sleep(300)
        go_on.set()
        await until(lambda: len(heard.texts) == 3000)

        assert heard.texts == [f"{n}" for n in range(3000)]
        assert len(server.connections) == 1
        assert client.counts["duplicates"] == 0


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
@virtual
async def test_what_was_read_is_delivered_before_the_end(how: str) -> None:
    """It is off the socket and nobody will say it again."""
    heard = Heard()

    async def on_line(line: IrcLine) -> None:
        await asyncio.sleep(0.1)
        await heard.on_line(line)

    async with FakeTwitch(world=LoopWorld()) as server:
        client = make_client(server.url, heard, on_line=on_line)
        running_client = asyncio.create_task(client.run())
        await until(lambda: client.status.joined)
        for n in range(20):
            await server.say("chan", "ann", f"{n}")
        await asyncio.sleep(0.15)
        if how == "stopped":
            await client.stop()
        else:
            running_client.cancel()
        await asyncio.gather(running_client, return_exceptions=True)

        assert len(heard.texts) == 20
        assert client.status.state == "stopped"


@virtual
async def test_a_server_that_takes_the_connection_and_says_nothing_is_left_after_the_login_wait() -> None:
    """There is a limit to every wait."""
    heard = Heard()
    async with FakeTwitch(world=LoopWorld()) as server:
        server.silent = True
        async with running(make_client(server.url, heard, timings=IrcTimings(login_wait=3))) as client:
            await until(lambda: client.status.state == "reconnecting")

            assert "did not welcome us" in client.status.cause


def test_the_token_is_in_no_repr() -> None:
    """Tracebacks and debug output show reprs."""
    client = make_client("irc://127.0.0.1:1", Heard(), world=LoopWorld(), token="oauth:hush")

    assert "hush" not in repr(client.config) + repr(client.status) + repr(vars(client))
