"""The rules of a connection, by themselves: lines and times in, effects out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.connectors.twitch.irc_config import clean_token
from bitbrat.connectors.twitch.irc_effects import (
    Acknowledged,
    Deliver,
    Effect,
    Ended,
    Joined,
    JoinFailed,
    LoginRefused,
    Note,
    Online,
    Write,
)
from bitbrat.connectors.twitch.irc_line import IrcError, parse_line
from bitbrat.connectors.twitch.irc_session import IrcSession
from bitbrat.connectors.twitch.rate import SlidingWindow

COMMANDS = [*IrcSession.RULES, "PRIVMSG", "USERNOTICE", "WHISPER", "CLEARCHAT", "999", "", "x"]
PARTS = st.sampled_from(["#chan", "#other", "*", "bot", "NAK", ":Login unsuccessful", ":", "", "#", ":#chan", "=", ":text of it"])
TAGS = st.sampled_from(["", "@msg-id=msg_banned ", "@badges=moderator/1 ", "@badges=,/;mod= ", "@client-nonce=x ", "@ "])
PREFIXES = st.sampled_from(["", ":bot!bot@bot ", ":tmi.twitch.tv ", ":! ", ":@ "])
lines = st.tuples(TAGS, PREFIXES, st.sampled_from(COMMANDS), st.lists(PARTS, max_size=3)).map(
    lambda p: f"{p[0]}{p[1]}{p[2]} {' '.join(p[3])}"
)


def fresh(**more: object) -> IrcSession:
    """A session that has just begun."""
    session = IrcSession(nick="bot", token=clean_token("TOKEN"), channels=["chan"], joins=SlidingWindow(20, 11), **more)  # type: ignore[arg-type]
    session.start(0.0)
    return session


def told(session: IrcSession, *raw: str, now: float = 0.0) -> list[Effect]:
    """What these lines lead to."""
    return [effect for line in raw for effect in session.receive(parse_line(line), now)]


def in_channel() -> IrcSession:
    """A session that has joined its channel."""
    session = fresh()
    told(session, ":tmi.twitch.tv 001 bot :Welcome", ":bot!bot@bot JOIN #chan")
    return session


@settings(max_examples=200)
@given(st.lists(st.tuples(lines, st.floats(0, 40)), max_size=30))
def test_no_line_at_any_time_breaks_the_rules(talk: list[tuple[str, float]]) -> None:
    """Whatever comes, a session answers with effects, and its next moment is never in the past."""
    session, now = fresh(), 0.0
    for raw, pause in talk:
        now += pause
        try:
            line = parse_line(raw)
        except IrcError:
            continue
        assert all(isinstance(effect, Effect) for effect in [*session.receive(line, now), *session.tick(now)])
        assert session.due(now) >= 0


@pytest.mark.parametrize(
    ("raw", "effects"),
    [
        (":tmi.twitch.tv NOTICE * :Login authentication failed", [LoginRefused("Login authentication failed", False)]),
        (":tmi.twitch.tv NOTICE * :Login unsuccessful", [LoginRefused("Login unsuccessful", False)]),
        (":tmi.twitch.tv NOTICE * :Improperly formatted auth", [LoginRefused("Improperly formatted auth", True)]),
        (":tmi.twitch.tv NOTICE * :Invalid NICK", [LoginRefused("Invalid NICK", True)]),
        (":tmi.twitch.tv NOTICE * :Something new", [Note("irc.notice", "Something new")]),
        (":tmi.twitch.tv CAP * NAK :twitch.tv/tags", [Note("irc.cap_refused", "twitch.tv/tags")]),
        (":tmi.twitch.tv CAP * ACK :twitch.tv/tags", []),
        (":tmi.twitch.tv 001 bot :Welcome", [Online(), Write("JOIN #chan")]),
        ("PING :a b", [Write("PONG :a b")]),
        ("PING", [Write("PONG")]),
        (":tmi.twitch.tv 421 bot WHO :Unknown command", []),
    ],
)
def test_before_the_welcome_a_line_means(raw: str, effects: list[Effect]) -> None:
    """Only here does a NOTICE decide about the login."""
    assert told(fresh(), raw) == effects


@pytest.mark.parametrize(
    ("raw", "effects"),
    [
        (":tmi.twitch.tv 001 bot :Welcome", []),
        (":tmi.twitch.tv ROOMSTATE #chan", []),
        ("@client-nonce=n :tmi.twitch.tv USERSTATE #chan", [Acknowledged("chan", "n")]),
        (":bot!bot@bot PART #chan", [JoinFailed("chan", "the server took us out of the channel", final=False)]),
        (":ann!ann@ann PART #chan", []),
        (":ann!ann@ann JOIN #chan", []),
    ],
)
def test_in_the_channel_a_line_means(raw: str, effects: list[Effect]) -> None:
    """The same line means nothing new the second time."""
    assert told(in_channel(), raw) == effects


@pytest.mark.parametrize("command", ["PRIVMSG", "USERNOTICE", "CLEARCHAT", "CLEARMSG", "WHISPER", "HOSTTARGET", "NEWCOMMAND"])
def test_what_is_no_rule_of_the_connection_is_delivered(command: str) -> None:
    """Unknown commands included: the consumer decides."""
    line = parse_line(f":tmi.twitch.tv {command} #chan :text")

    assert list(in_channel().receive(line, 0.0)) == [Deliver(line)]


@pytest.mark.parametrize(
    ("tags", "roles"),
    [
        ("badges=moderator/1", {"moderator"}),
        ("badges=lead_moderator/1", {"moderator"}),
        ("badges=broadcaster/1,subscriber/12;mod=0", {"broadcaster"}),
        ("badges=vip/1", {"vip"}),
        ("badges=subscriber/3,founder/0;subscriber=1", set()),
        ("badges=;mod=1", {"moderator"}),
        ("badges=;user-type=mod", {"moderator"}),
        ("badges=moderator", {"moderator"}),
        ("mod=0", set()),
    ],
)
def test_our_own_badges_choose_the_budget(tags: str, roles: set[str]) -> None:
    """Moderator, VIP and broadcaster may send more."""
    session = in_channel()
    told(session, f"@{tags} :tmi.twitch.tv USERSTATE #chan")

    assert session.roles["chan"] == roles
    assert session.privileged("chan") is bool(roles)


def test_a_role_that_was_taken_away_is_gone_with_the_next_userstate() -> None:
    """The last word of the server counts."""
    session = in_channel()
    told(session, "@badges=moderator/1 :t USERSTATE #chan", "@badges= :t USERSTATE #chan")

    assert not session.privileged("chan")


def test_an_answer_that_comes_after_the_wait_still_counts() -> None:
    """Slow is not absent."""
    session = fresh()
    told(session, ":t 001 bot :Welcome")
    given_up = session.tick(10.0)
    late = told(session, ":t ROOMSTATE #chan", now=12.0)

    assert [type(effect) for effect in given_up] == [JoinFailed]
    assert late == [Joined("chan")]


def test_the_account_of_the_token_counts_whatever_name_was_given() -> None:
    """Twitch ignores NICK; the JOIN echo says who we are."""
    session = fresh()
    told(session, ":t 001 bot :Welcome", ":real!real@real JOIN #chan")

    assert session.nick == "real"
    assert session.joined == {"chan"}


def test_after_twenty_quiet_seconds_it_asks_and_five_later_the_link_is_dead() -> None:
    """Unless a PONG comes."""
    session = in_channel()
    asked, early, dead = session.tick(20.0), session.tick(24.9), session.tick(25.0)

    assert (asked, early) == ([Write("PING :bitbrat")], [])
    assert [type(effect) for effect in dead] == [Ended]


def test_in_a_busy_channel_it_asks_every_thirty_seconds() -> None:
    """Lines may still come from a buffer when the way back is dead."""
    session = in_channel()
    asked = []
    for second in range(1, 100):
        told(
            session, ":ann!ann@ann PRIVMSG #chan :hello", *([":t PONG t :bitbrat"] if asked and asked[-1] == second - 1 else []), now=second
        )
        asked += [second for effect in session.tick(second) if isinstance(effect, Write)]

    assert asked == [30, 60, 90]


def test_the_password_is_in_no_effects_repr() -> None:
    """Effects end up in debug output."""
    session = IrcSession(nick="bot", token=clean_token("hush"), channels=[], joins=SlidingWindow(20, 11))
    effects = session.start(0.0)

    assert any(isinstance(effect, Write) and "hush" in effect.text for effect in effects)
    assert "hush" not in repr(effects)
