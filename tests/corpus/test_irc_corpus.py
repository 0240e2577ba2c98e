"""Recorded lines of Twitch chat, from 2015 to today, parse as their expectations say, also in disguise."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bitbrat.connectors.twitch.irc_chat import EVENTS, to_event
from bitbrat.connectors.twitch.irc_line import IrcError, parse_line
from bitbrat.connectors.twitch.parse_stream import parse_record, wire_form
from tests.components import corpus, require
from tests.corpus.disguise import described, disguised, expected, written

Row = dict[str, Any]

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
FOLDER = require("corpus", corpus()) / "twitch"


def rows(name: str) -> list[Row]:
    """The rows of a file."""
    return [json.loads(line) for line in (Path(FOLDER) / name).read_text().splitlines()]


def labels(found: list[Row]) -> list[str]:
    """A test id for each row: its number and its command."""
    return [f"{number}-{row.get('expect', {}).get('command', '')}" for number, row in enumerate(found, 1)]


LINES = rows("irc_lines.jsonl")
MALFORMED = rows("irc_malformed.jsonl")
SPLITS = [row for row in rows("irc_generic.jsonl") if row["kind"] == "split"]
WHOLE = [row for row in LINES if row["expect"]["command"] in EVENTS and row["expect"]["channel"]]
CHAT = [row for row in WHOLE if row["expect"]["command"] == "PRIVMSG" and row["expect"]["login"]]
NOTICES = [row for row in WHOLE if row["expect"]["command"] == "USERNOTICE"]
MODERATION = [row for row in WHOLE if row["expect"]["command"] in ("CLEARCHAT", "CLEARMSG")]


def envelope_of(row: Row) -> Row:
    """The envelope that the row's line becomes."""
    found: Row = parse_record(row["raw"].encode(), now=NOW)["envelope"]
    return found


def time_of(expect: Row) -> datetime | None:
    """The server's time that a row expects."""
    milliseconds = expect["timestamp_ms"]
    return None if milliseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def clamped(expect: Row) -> list[tuple[str, int, int, str]]:
    """The emotes that a row expects, cut to the text."""
    text = expect["text"] or ""
    cut = [(emote, max(start, 0), min(end, len(text) - 1)) for emote, start, end in expect["emotes"] if start <= end]
    return [(emote, start, end, text[start : end + 1]) for emote, start, end in cut if start <= end]


def emotes_of(payload: Row) -> list[tuple[str, int, int, str]]:
    """The emotes of a payload in the same shape."""
    return [(emote["id"], emote["start"], emote["end"], emote["text"]) for emote in payload["emotes"]]


@pytest.mark.parametrize("row", LINES, ids=labels(LINES))
def test_a_recorded_line_has_its_parts(row: Row) -> None:
    """Command, params, prefix and tags, decoded or not."""
    parts = {name: row["expect"][name] for name in ("command", "params", "prefix", "tags")}

    assert wire_form(parse_line(row["raw"])) == parts
    assert parse_record(row["raw"].encode(), now=NOW, wire=True) == parts


@pytest.mark.parametrize("row", LINES, ids=labels(LINES))
def test_a_recorded_line_is_an_envelope_an_ignored_command_or_malformed(row: Row) -> None:
    """Only chat, notices and moderation are events, and only those without a channel or sender are malformed."""
    found = parse_record(row["raw"].encode(), now=NOW)

    if row in CHAT + NOTICES + MODERATION:
        assert set(found) == {"envelope"}
    elif row["expect"]["command"] in EVENTS:
        assert found["error"]["code"] == "irc.malformed"
    else:
        assert found == {"ignored": row["expect"]["command"]}


@pytest.mark.parametrize("row", CHAT + NOTICES, ids=labels(CHAT + NOTICES))
def test_a_recorded_sender_is_the_user(row: Row) -> None:
    """Ids as sent or empty, names, roles; the room; text, badges and emotes."""
    expect, envelope = row["expect"], envelope_of(row)
    user, payload = envelope["user"], envelope["payload"]

    assert (user["id"], user["name"], user["displayName"]) == (expect["user_id"] or "", expect["login"] or "", expect["display_name"] or "")
    assert user.get("roles", []) == expect["roles"]
    assert (envelope["source"]["channel"], envelope["source"]["channelId"]) == (expect["channel"], expect["room_id"] or "")
    assert (payload["messageId"], payload.get("text"), payload.get("color")) == (
        expect["message_id"] or "",
        expect["text"],
        expect["color"],
    )
    assert (payload["badges"], emotes_of(payload)) == (expect["badges"], clamped(expect))
    assert ("sentAt" in payload) == (expect["timestamp_ms"] is not None)
    if time := time_of(expect):
        assert datetime.fromisoformat(payload["sentAt"]) == time


@pytest.mark.parametrize("row", CHAT, ids=labels(CHAT))
def test_a_recorded_message_is_a_chat_message(row: Row) -> None:
    """Bits, action, reward, first message, reply and the other channel of shared chat."""
    expect, envelope = row["expect"], envelope_of(row)
    payload, reply = envelope["payload"], expect.get("reply") or {}
    named = {
        "parentMessageId": "parent_msg_id",
        "parentUserId": "parent_user_id",
        "parentUserName": "parent_user_login",
        "parentText": "parent_msg_body",
    }
    source = expect.get("source_room_id")

    assert envelope["type"] == "external.chat.message.v1"
    assert (payload["isAction"], payload.get("bits")) == (expect["is_action"], expect["bits"])
    assert (payload.get("customRewardId"), payload.get("firstMessage", False)) == (expect["custom_reward_id"], expect["first_msg"])
    assert payload.get("reply", {}) == {name: reply[field] for name, field in named.items() if reply}
    assert payload.get("sourceChannelId") == (source if source != expect["room_id"] else None)


@pytest.mark.parametrize("row", NOTICES, ids=labels(NOTICES))
def test_a_recorded_notice_is_a_notification(row: Row) -> None:
    """Its kind, the system's sentence, its parameters and all its tags."""
    expect, envelope = row["expect"], envelope_of(row)
    payload = envelope["payload"]

    assert envelope["type"] == "external.chat.notification.v1"
    assert (payload["noticeType"], payload["systemMessage"]) == (expect["msg_id"] or "", expect["system_msg"] or "")
    assert (payload["msgParams"], payload["tags"]) == (expect["msg_params"], expect["tags"])


@pytest.mark.parametrize("row", MODERATION, ids=labels(MODERATION))
def test_recorded_moderation_is_an_event_without_a_user(row: Row) -> None:
    """What was done to whom; by whom is not said."""
    expect, envelope = row["expect"], envelope_of(row)
    named = {
        "action": "action",
        "duration": "ban_duration",
        "targetUserId": "target_user_id",
        "targetMessageId": "target_msg_id",
        "isAction": "is_action",
    }
    target = expect.get("target_login") or expect.get("login")

    assert envelope["type"] == {"CLEARCHAT": "external.chat.cleared.v1", "CLEARMSG": "external.chat.message-deleted.v1"}[expect["command"]]
    assert {name: envelope["payload"].get(name) for name in named} == {name: expect.get(field) for name, field in named.items()}
    assert (envelope["payload"].get("targetUserName"), envelope["payload"].get("text")) == (target, expect.get("text"))
    assert (envelope["source"]["channel"], envelope["source"]["channelId"]) == (expect["channel"], expect["room_id"] or "")
    assert (envelope["user"]["id"], envelope["user"]["name"]) == ("", "")


@pytest.mark.parametrize("row", MALFORMED, ids=labels(MALFORMED))
def test_a_recorded_malformed_line_is_a_line_or_malformed(row: Row) -> None:
    """Libraries disagree on these; ours reads what can be read, and refuses the rest with a code."""
    lenient = {name: value for name, value in row["lenient_parse"].items() if name in ("command", "params", "prefix", "tags", "error")}
    found = parse_record(row["raw"].encode(), now=NOW, wire=True)

    if "error" in lenient:
        assert found == {"ignored": ""} or found["error"]["code"] == "irc.malformed"
    else:
        assert found == lenient
    assert set(parse_record(row["raw"].encode(), now=NOW)) < {"envelope", "ignored", "error"}


@pytest.mark.parametrize("row", SPLITS, ids=labels(SPLITS))
def test_a_generic_line_splits_as_all_irc_does(row: Row) -> None:
    """The public vectors of the IRC grammar."""
    expect, line = row["expect"], parse_line(row["raw"])

    assert (dict(line.tags), line.command, list(line.params)) == (expect["tags"], expect["verb"].upper(), expect["params"])
    assert (line.prefix is None) == (expect["source"] is None)


@pytest.mark.parametrize("row", LINES, ids=labels(LINES))
def test_a_line_in_disguise_has_the_same_structure(row: Row) -> None:
    """Nothing depends on who, where, in what order or in which case."""
    recorded = parse_line(row["raw"])
    other = disguised(recorded)

    parsed = parse_line(written(other, random.Random(len(row["raw"]))))

    assert wire_form(parsed) == wire_form(other)
    assert outcome(parsed) == outcome(recorded, in_disguise=True)


def outcome(line: Any, *, in_disguise: bool = False) -> Any:
    """The line's event, its absence, or the refusal's code."""
    try:
        event = to_event(line)
    except IrcError as error:
        return error.code
    return event and (expected(event) if in_disguise else described(event))
