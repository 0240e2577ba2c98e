"""A line of chat becomes the event that the contract describes, on whatever tags a server sends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.twitch.irc_badges import LADDER, badges, highest, roles
from bitbrat.connectors.twitch.irc_chat import to_event
from bitbrat.connectors.twitch.irc_emotes import emotes
from bitbrat.connectors.twitch.irc_line import IrcError, parse_line
from tests.unit.connectors.irc_vectors import HELD, SAID, Held, Said


def event_of(raw: str) -> IncomingEvent:
    """The event of a line that must be one."""
    event = to_event(parse_line(raw))
    assert event is not None
    return event


def said(tags: str = "", text: str = "hi", nick: str = "ann") -> IncomingEvent:
    """The event of a message in #room."""
    return event_of(f"@{tags} :{nick}!{nick}@{nick}.example PRIVMSG #room :{text}")


@pytest.mark.parametrize("vector", SAID, ids=lambda vector: vector.claim)
def test_a_message_says(vector: Said) -> None:
    """Each vector's claim holds."""
    payload = said(vector.tags, vector.text).payload

    assert {name: payload.get(name) for name in vector.payload} == vector.payload
    assert not set(vector.absent) & set(payload)


@pytest.mark.parametrize("vector", HELD, ids=lambda vector: vector.claim)
def test_roles_come_from_the_servers_tags(vector: Held) -> None:
    """Each vector's claim holds."""
    user = said(vector.tags).user

    assert (user.roles, user.role) == (vector.roles, vector.role)


def test_a_message_names_its_place_and_its_sender() -> None:
    """Channel without its sign, ids from the tags, the display name without outer space."""
    event = said(r"room-id=11;user-id=22;id=m;display-name=\sÄnn\s")

    assert (event.platform, event.channel, event.channel_id, event.type) == ("twitch", "room", "11", "external.chat.message.v1")
    assert (event.user.id, event.user.name, event.user.display_name) == ("22", "ann", "Änn")
    assert (event.event_class, event.source_event_id) == ("chat", "m")


def test_a_sender_without_tags_has_a_login_and_nothing_else() -> None:
    """A missing id is empty; a login never stands in for one."""
    event = event_of(":ann!ann@h PRIVMSG #room hi")

    assert (event.user.id, event.user.name, event.user.display_name, event.channel_id) == ("", "ann", "ann", "")
    assert event.payload == {"text": "hi", "messageId": "", "isAction": False, "badges": [], "emotes": []}


@pytest.mark.parametrize(
    "raw",
    [
        ":ann!ann@h PRIVMSG",
        ":ann!ann@h PRIVMSG #room",
        ":ann!ann@h PRIVMSG room :hi",
        ":ann!ann@h PRIVMSG # :hi",
        ":tmi.example PRIVMSG #room :hi",
        ":!ann@h PRIVMSG #room :hi",
        "PRIVMSG #room :hi",
        "USERNOTICE",
        "CLEARCHAT",
        "CLEARMSG :text",
    ],
)
def test_chat_without_its_parts_is_malformed(raw: str) -> None:
    """Channel, sender and text are needed; the refusal has its code."""
    with pytest.raises(IrcError) as refused:
        to_event(parse_line(raw))

    assert refused.value.code == "irc.malformed"


@pytest.mark.parametrize(
    "raw",
    [
        "PING",
        "PING :x",
        "RECONNECT",
        ":h 001 a :b",
        ":h NOTICE * :no",
        "@a=1 :h ROOMSTATE #c",
        ":a!a@h JOIN #c",
        ":a!a@h WHISPER b :x",
        "999",
    ],
)
def test_other_lines_are_no_event(raw: str) -> None:
    """What concerns the connection is the client's matter."""
    assert to_event(parse_line(raw)) is None


def test_the_same_message_without_an_id_has_the_same_stand_in() -> None:
    """Room, user, time and text make it; a double is still found."""
    line = "room-id=1;user-id=2;tmi-sent-ts=1700000000000"

    assert said(line).source_event_id == said(line).source_event_id


def test_messages_without_an_id_that_differ_have_different_stand_ins() -> None:
    """Another room, user, time or text is another message."""
    events = [
        said("room-id=1;user-id=2;tmi-sent-ts=1700000000000"),
        said("room-id=3;user-id=2;tmi-sent-ts=1700000000000"),
        said("room-id=1;user-id=4;tmi-sent-ts=1700000000000"),
        said("room-id=1;user-id=2;tmi-sent-ts=1700000000001"),
        said("room-id=1;user-id=2;tmi-sent-ts=1700000000000", "ho"),
        said("tmi-sent-ts=1700000000000", nick="bob"),
        said("tmi-sent-ts=1700000000000"),
    ]

    assert len({event.source_event_id for event in events}) == len(events)


def test_only_a_message_without_id_and_time_is_momentary() -> None:
    """Whatever the platform gives to tell messages apart is enough."""
    assert said("").momentary
    assert not said("id=m").momentary
    assert not said("tmi-sent-ts=1700000000000").momentary


TIDY = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text("0123456789-,/:abx"))
def test_emotes_always_lie_inside_the_text(text: str, raw: str) -> None:
    """Whatever the tag says: sorted, inside, and their words are the text's."""
    found = emotes(raw, text)

    assert all(0 <= emote["start"] <= emote["end"] < len(text) for emote in found)
    assert all(emote["text"] == text[emote["start"] : emote["end"] + 1] for emote in found)
    assert [emote["start"] for emote in found] == sorted(emote["start"] for emote in found)


@given(st.lists(st.one_of(TIDY, st.sampled_from("🦆日äé")), min_size=1), st.data())
def test_the_words_at_an_emotes_place_are_found(words: list[str], data: st.DataObject) -> None:
    """A tag made from the words' places gives those words back, in whatever scripts they are."""
    text = " ".join(words)
    starts = [0, *itertools.accumulate(len(word) + 1 for word in words)]
    picked = data.draw(st.sets(st.integers(0, len(words) - 1)))
    raw = "/".join(f"e{place}:{starts[place]}-{starts[place] + len(words[place]) - 1}" for place in picked)

    assert [(emote["id"], emote["text"]) for emote in emotes(raw, text)] == [(f"e{place}", words[place]) for place in sorted(picked)]


@given(st.lists(st.tuples(TIDY, TIDY)))
def test_badges_come_back(pairs: list[tuple[str, str]]) -> None:
    """Names and versions, in the order sent."""
    assert badges(",".join(f"{name}/{version}" for name, version in pairs)) == [list(pair) for pair in pairs]


@given(st.text("abroadcsterv/,01; "))
def test_any_badges_give_known_roles_in_order(raw: str) -> None:
    """Garbage gives nothing, never an exception."""
    line = parse_line("@badges=" + raw.replace(";", "").replace(" ", "") + " X")

    assert highest(roles(line)) in (*LADDER, "viewer")


@given(st.permutations(["broadcaster/1", "moderator/1", "vip/1", "founder/0"]))
def test_the_order_of_badges_does_not_change_the_roles(order: list[str]) -> None:
    """Only which badges there are counts."""
    assert said(f"badges={','.join(order)}").user.roles == ("broadcaster", "moderator", "vip", "subscriber", "founder")


@given(
    st.sampled_from(["PRIVMSG", "USERNOTICE", "CLEARCHAT", "CLEARMSG"]),
    st.dictionaries(
        st.sampled_from(
            ["id", "room-id", "user-id", "login", "tmi-sent-ts", "bits", "badges", "emotes", "msg-id", "ban-duration", "target-msg-id"]
        ),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" ;\\\r\n\0")),
    ),
    st.text(),
)
def test_any_chat_is_an_event_or_malformed(command: str, tags: dict[str, str], rest: str) -> None:
    """Whatever the tags hold, only IrcError comes out, and what is made can be sent as JSON."""
    raw = "@" + ";".join(f"{name}={value}" for name, value in tags.items()) + f" :ann!ann@h {command} #room :{rest}"
    event = event_of(raw)

    assert event.source_event_id
    assert event.user.to_wire().keys() >= {"id", "name", "displayName", "profileImageUrl", "role"}
