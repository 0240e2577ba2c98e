"""Subscriptions, raids, cleared chats and deleted messages become events; unknown kinds are handed on as they came."""

from __future__ import annotations

from typing import Any

import pytest

from bitbrat.connectors.incoming import IncomingEvent
from bitbrat.connectors.twitch.irc_chat import to_event
from bitbrat.connectors.twitch.irc_line import parse_line

WHEN = "room-id=11;tmi-sent-ts=1700000000000"


def event_of(raw: str) -> IncomingEvent:
    """The event of a line that must be one."""
    event = to_event(parse_line(raw))
    assert event is not None
    return event


def test_a_raid_is_a_notification() -> None:
    """Kind, parameters without their prefix, the system's sentence, and who."""
    tags = rf"{WHEN};id=n1;msg-id=raid;login=bob;display-name=Bob;user-id=22;msg-param-viewerCount=9;system-msg=9\sraiders;badges=vip/1"

    event = event_of(f"@{tags} :h USERNOTICE #room")
    assert (event.type, event.event_class, event.source_event_id) == ("external.chat.notification.v1", "notice", "n1")
    assert (event.user.id, event.user.name, event.user.display_name, event.user.role) == ("22", "bob", "Bob", "vip")
    assert event.payload["noticeType"] == "raid"
    assert event.payload["msgParams"] == {"viewerCount": "9"}
    assert event.payload["systemMessage"] == "9 raiders"
    assert event.payload["sentAt"] == "2023-11-14T22:13:20Z"
    assert "text" not in event.payload


def test_a_notice_that_nobody_knows_keeps_all_its_tags() -> None:
    """New kinds need no release."""
    event = event_of("@id=n;msg-id=brandnew;new-tag=x;msg-param-a= :h USERNOTICE #room :some text")

    assert event.payload["noticeType"] == "brandnew"
    assert event.payload["tags"] == {"id": "n", "msg-id": "brandnew", "new-tag": "x", "msg-param-a": ""}
    assert (event.payload["text"], event.payload["msgParams"]) == ("some text", {"a": ""})


def test_a_notice_of_another_channel_says_which_and_what() -> None:
    """In shared chat the kind is that of the other channel's notice."""
    event = event_of("@room-id=1;source-room-id=2;msg-id=sharedchatnotice;source-msg-id=resub :h USERNOTICE #room")

    assert event.payload["sourceChannelId"] == "2"
    assert (event.payload["noticeType"], event.payload["sourceNoticeType"]) == ("sharedchatnotice", "resub")


def test_a_notice_without_any_tag_is_a_notification() -> None:
    """Nothing but the channel is needed."""
    event = event_of(":h USERNOTICE #room")

    assert (event.payload["noticeType"], event.user.name, event.user.id) == ("", "", "")


def test_emotes_of_a_notices_text_are_found() -> None:
    """An announcement may hold emotes."""
    event = event_of("@msg-id=announcement;emotes=25:3-7 :h USERNOTICE #room :hi Kappa")

    assert event.payload["emotes"] == [{"id": "25", "start": 3, "end": 7, "text": "Kappa"}]


@pytest.mark.parametrize(
    ("raw", "payload"),
    [
        pytest.param(f"@{WHEN} :h CLEARCHAT #room", {"action": "clear"}, id="nobody named: the whole chat was cleared"),
        pytest.param(
            f"@{WHEN};target-user-id=7 :h CLEARCHAT #room :bob",
            {"action": "ban", "targetUserId": "7", "targetUserName": "bob"},
            id="somebody named: a ban",
        ),
        pytest.param(
            f"@{WHEN};target-user-id=7;ban-duration=600 :h CLEARCHAT #room bob",
            {"action": "timeout", "duration": 600, "targetUserId": "7", "targetUserName": "bob"},
            id="somebody named with seconds: a timeout",
        ),
        pytest.param(
            f"@{WHEN};target-user-id=7 :h CLEARCHAT #room",
            {"action": "ban", "targetUserId": "7"},
            id="an id without a name is somebody, not everybody",
        ),
        pytest.param(
            f"@{WHEN};ban-duration=long :h CLEARCHAT #room :bob",
            {"action": "timeout", "targetUserName": "bob"},
            id="a duration that is no number is a timeout of unknown length",
        ),
    ],
)
def test_a_cleared_chat_says_what_was_done(raw: str, payload: dict[str, Any]) -> None:
    """Clear, timeout and ban are told apart."""
    event = event_of(raw)

    assert event.type == "external.chat.cleared.v1"
    assert {name: value for name, value in event.payload.items() if name not in ("sentAt", "tags")} == payload


def test_a_cleared_chat_does_not_name_the_moderator() -> None:
    """Twitch does not say who did it, so the event's user is nobody; the target is in the payload."""
    event = event_of(f"@{WHEN};target-user-id=7 :h CLEARCHAT #room :bob")

    assert (event.user.id, event.user.name, event.user.role) == ("", "", "")


def test_the_same_clear_twice_is_one_and_a_later_one_is_another() -> None:
    """A line without an id is told by room, target and time."""
    first, again, later = (
        event_of(f"@room-id=11;tmi-sent-ts={time} :h CLEARCHAT #room :bob").source_event_id
        for time in (1700000000000, 1700000000000, 1700000000001)
    )

    assert first == again != later


def test_a_deleted_message_names_it() -> None:
    """The id of the deleted message, its writer and its words."""
    event = event_of(f"@{WHEN};login=bob;target-msg-id=m7 :h CLEARMSG #room :\x01ACTION bad words\x01")

    assert (event.type, event.source_event_id) == ("external.chat.message-deleted.v1", "m7")
    assert {name: event.payload[name] for name in ("targetMessageId", "targetUserName", "text", "isAction")} == {
        "targetMessageId": "m7",
        "targetUserName": "bob",
        "text": "bad words",
        "isAction": True,
    }


def test_the_order_of_tags_does_not_change_a_stand_in() -> None:
    """Servers shuffle tags; the same notice is the same event."""
    one = event_of("@msg-param-a=1;msg-param-b=2;msg-id=raid;tmi-sent-ts=1 :h USERNOTICE #room")
    other = event_of("@tmi-sent-ts=1;msg-id=raid;msg-param-b=2;msg-param-a=1 :h USERNOTICE #room")

    assert one.source_event_id == other.source_event_id
