"""Lines written for these tests, each with a claim and what must come out of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Parsed(NamedTuple):
    """A raw line and its parts. ``prefix`` is (nick, user, host)."""

    claim: str
    raw: str | bytes
    command: str
    params: tuple[str, ...] = ()
    prefix: tuple[str | None, str | None, str | None] | None = None
    tags: Mapping[str, str] = MappingProxyType({})


SERVER = (None, None, "tmi.example")

LINES = [
    Parsed("a command alone is a line", "PING", "PING"),
    Parsed("a command is upper-cased", "ping :x", "PING", ("x",)),
    Parsed("a numeric is a command", ":tmi.example 001 bob :Welcome", "001", ("bob", "Welcome"), SERVER),
    Parsed("a numeric that nobody knows passes through", "999 x", "999", ("x",)),
    Parsed("an unknown command passes through", "FROB a b", "FROB", ("a", "b")),
    Parsed("a command of other letters passes through", "P!NG", "P!NG"),
    Parsed("a trailing parameter keeps its spaces", "X :  a  b  ", "X", ("  a  b  ",)),
    Parsed("an empty trailing parameter is a parameter", "X a :", "X", ("a", "")),
    Parsed("a trailing parameter keeps its own colons", "X ::-) :x", "X", (":-) :x",)),
    Parsed("a colon inside a middle parameter is a letter", "X a:b c", "X", ("a:b", "c")),
    Parsed("the last parameter may come without colon", "PRIVMSG #c Cheer1", "PRIVMSG", ("#c", "Cheer1")),
    Parsed("runs of spaces between parameters count as one", "X  a   b  :c", "X", ("a", "b", "c")),
    Parsed("spaces at the end are no parameter", "X a  ", "X", ("a",)),
    Parsed("a tab is not a space", "X a\tb", "X", ("a\tb",)),
    Parsed("the line end is not part of the line", "X :a\r\n", "X", ("a",)),
    Parsed("a carriage return inside the text stays", "X :a\rb", "X", ("a\rb",)),
    Parsed("a full prefix has three parts", ":n!u@h X", "X", (), ("n", "u", "h")),
    Parsed("a bare prefix is a host, even without a dot", ":server X", "X", (), (None, None, "server")),
    Parsed("a prefix without user is a nick and a host", ":n@h X", "X", (), ("n", None, "h")),
    Parsed("a prefix without host is a nick and a user", ":n!u X", "X", (), ("n", "u", None)),
    Parsed("empty parts of a prefix are empty, not missing", ":!@ X", "X", (), ("", "", "")),
    Parsed("an empty prefix is an empty host", ": X", "X", (), (None, None, "")),
    Parsed("spaces after the prefix count as one", ":h   X a", "X", ("a",), (None, None, "h")),
    Parsed("a tag has a value", "@a=1 X", "X", tags={"a": "1"}),
    Parsed("a tag without value and one with an empty value are equal", "@a;b= X", "X", tags={"a": "", "b": ""}),
    Parsed("the value starts after the first equals sign", "@a=b=c X", "X", tags={"a": "b=c"}),
    Parsed("the last of two equal tags wins", "@a=1;b=2;a=3 X", "X", tags={"a": "3", "b": "2"}),
    Parsed("an empty later double wins too", "@a=1;a X", "X", tags={"a": ""}),
    Parsed("tag names are case-sensitive", "@a=1;A=2 X", "X", tags={"a": "1", "A": "2"}),
    Parsed("a tag without a name is left out", "@=1;;b=2 X", "X", tags={"b": "2"}),
    Parsed("an at sign alone is no tags", "@ X", "X"),
    Parsed("vendor tags keep their slash", "@v.example/k=1 X", "X", tags={"v.example/k": "1"}),
    Parsed("all five escapes are undone", r"@a=\:\s\\\r\n X", "X", tags={"a": "; \\\r\n"}),
    Parsed("an escaped backslash does not escape what follows", r"@a=\\s X", "X", tags={"a": r"\s"}),
    Parsed("an unknown escape loses its backslash", r"@a=\b\1 X", "X", tags={"a": "b1"}),
    Parsed("a lone backslash at the end is dropped", "@a=x\\ X", "X", tags={"a": "x"}),
    Parsed("an escape before the semicolon does not join two tags", "@a=x\\;b=1 X", "X", tags={"a": "x", "b": "1"}),
    Parsed("letters of any script are kept", "@a=ä日 :é!é@h X #c :🦆‍", "X", ("#c", "🦆‍"), ("é", "é", "h"), {"a": "ä日"}),
    Parsed("bytes that are not UTF-8 become replacement characters", b"X :a\xffb", "X", ("a�b",)),
    Parsed("an overlong form is not UTF-8", b"X :\xc0\xaf", "X", ("��",)),
    Parsed("half a surrogate pair becomes replacement characters", "X :\ud83d", "X", ("���",)),
    Parsed("a zero byte is a letter", b"X :a\x00b", "X", ("a\0b",)),
    Parsed("five hundred combining marks are kept", "X :a" + "\u0301" * 500, "X", ("a" + "\u0301" * 500,)),
    Parsed("eight kilobytes of tags are tags", "@a=" + "x" * 8191 + " X", "X", tags={"a": "x" * 8191}),
]

MALFORMED = [
    ("an empty line", ""),
    ("a line of spaces", " " * 512),
    ("a leading space", " PING"),
    ("tags alone", "@a=1"),
    ("tags and a space", "@a=1 "),
    ("an at sign alone", "@"),
    ("a prefix alone", ":host"),
    ("tags, a prefix and a space", "@a=1 :host "),
    ("a text where the command should be", ":host :text"),
    ("a line end alone", "\r\n"),
]


class Said(NamedTuple):
    """What of a chat message must come out: the tags and the text that go in, the part of the payload that is claimed."""

    claim: str
    tags: str
    text: str
    payload: dict[str, Any]
    absent: tuple[str, ...] = ()


def _emote(emote: str, start: int, end: int, text: str) -> dict[str, Any]:
    return {"id": emote, "start": start, "end": end, "text": text}


SAID = [
    Said("text is kept as sent", "", "  hi  there ", {"text": "  hi  there ", "isAction": False}),
    Said("an empty text is a text", "", "", {"text": ""}),
    Said("an action is unwrapped", "", "\x01ACTION waves\x01", {"text": "waves", "isAction": True}),
    Said("an action may lack its end", "", "\x01ACTION waves", {"text": "waves", "isAction": True}),
    Said("only one space belongs to the action", "", "\x01ACTION  waves\x01", {"text": " waves", "isAction": True}),
    Said("an empty action has an empty text", "", "\x01ACTION\x01", {"text": "", "isAction": True}),
    Said("a word that begins like an action is none", "", "\x01ACTIONS\x01", {"text": "\x01ACTIONS\x01", "isAction": False}),
    Said("an action in the middle is none", "", "a \x01ACTION b\x01", {"text": "a \x01ACTION b\x01", "isAction": False}),
    Said("the message id is the platform's", "id=m-1", "x", {"messageId": "m-1"}),
    Said("a missing message id is empty, not invented", "", "x", {"messageId": ""}),
    Said("the server's time is RFC 3339", "tmi-sent-ts=1700000000123", "x", {"sentAt": "2023-11-14T22:13:20.123000Z"}),
    Said("whole seconds have no fraction", "tmi-sent-ts=1700000000000", "x", {"sentAt": "2023-11-14T22:13:20Z"}),
    Said("a time before 1970 is a time", "tmi-sent-ts=-1000", "x", {"sentAt": "1969-12-31T23:59:59Z"}),
    Said("a time that cannot be is left out", "tmi-sent-ts=999999999999999", "x", {}, ("sentAt",)),
    Said("a time that is no number is left out", "tmi-sent-ts=soon", "x", {}, ("sentAt",)),
    Said("bits are a number", "bits=100", "Cheer100", {"bits": 100}),
    Said("bits in other digits are left out", "bits=１０", "x", {}, ("bits",)),
    Said("no bits, no field", "bits=", "x", {}, ("bits", "color", "reply", "customRewardId", "sourceChannelId", "firstMessage", "sentAt")),
    Said("the color is kept", "color=#00FF7F", "x", {"color": "#00FF7F"}),
    Said("badges keep their order", "badges=b/2,a/1", "x", {"badges": [["b", "2"], ["a", "1"]]}),
    Said("a badge without a slash has no version", "badges=odd", "x", {"badges": [["odd", ""]]}),
    Said("a badge is cut at its first slash", "badges=a/b/c", "x", {"badges": [["a", "b/c"]]}),
    Said("no badges are an empty list", "", "x", {"badges": [], "emotes": []}),
    Said("an emote has its words", "emotes=25:0-4", "Kappa!", {"emotes": [_emote("25", 0, 4, "Kappa")]}),
    Said("an emote counts code points, not UTF-16", "emotes=25:2-6", "🦆 Kappa", {"emotes": [_emote("25", 2, 6, "Kappa")]}),
    Said("an emote counts after unwrapping", "emotes=25:0-4", "\x01ACTION Kappa\x01", {"emotes": [_emote("25", 0, 4, "Kappa")]}),
    Said("emote ids may be words", "emotes=emotesv2_ab:0-0", "x", {"emotes": [_emote("emotesv2_ab", 0, 0, "x")]}),
    Said(
        "emotes are sorted by where they stand",
        "emotes=1:4-4,0-0/2:2-2",
        "a b c",
        {"emotes": [_emote("1", 0, 0, "a"), _emote("2", 2, 2, "b"), _emote("1", 4, 4, "c")]},
    ),
    Said("an emote that reaches over the end is cut", "emotes=1:1-9", "abc", {"emotes": [_emote("1", 1, 2, "bc")]}),
    Said("an emote that starts too early is cut", "emotes=1:-2-1", "abc", {"emotes": [_emote("1", 0, 1, "ab")]}),
    Said("an emote outside the text is left out", "emotes=1:3-4/2:-3--1", "abc", {"emotes": []}),
    Said("a reversed emote is left out", "emotes=1:2-1", "abc", {"emotes": []}),
    Said("emote garbage is left out", "emotes=1/2:/:0-0/3:a-b/4:0/5:0-0-0,1-1", "abc", {"emotes": [_emote("5", 1, 1, "b")]}),
    Said("a number of a thousand digits is garbage", "emotes=1:0-" + "9" * 1000, "abc", {"emotes": []}),
    Said(
        "a reply names its parent",
        r"reply-parent-msg-id=p;reply-parent-user-id=7;reply-parent-user-login=ann;reply-parent-msg-body=a\sb",
        "@Ann yes",
        {"text": "@Ann yes", "reply": {"parentMessageId": "p", "parentUserId": "7", "parentUserName": "ann", "parentText": "a b"}},
    ),
    Said("a reply may know its parent's id only", "reply-parent-msg-id=p", "x", {"reply": {"parentMessageId": "p"}}),
    Said("a reply to nothing is no reply", "reply-parent-user-login=ann", "x", {}, ("reply",)),
    Said("a redeemed reward is named", "custom-reward-id=r-1", "x", {"customRewardId": "r-1"}),
    Said("a message of another channel says so", "room-id=1;source-room-id=2", "x", {"sourceChannelId": "2"}),
    Said("a message of this channel does not", "room-id=1;source-room-id=1", "x", {}, ("sourceChannelId",)),
    Said("a first message is marked", "first-msg=1", "x", {"firstMessage": True}),
    Said("a later message is marked as such", "first-msg=0", "x", {"firstMessage": False}),
    Said("tags written in the text are text", "", "@mod=1;user-type=mod", {"text": "@mod=1;user-type=mod", "badges": []}),
]


class Held(NamedTuple):
    """Tags, the roles that they give, and the one that counts."""

    claim: str
    tags: str
    roles: tuple[str, ...]
    role: str


HELD = [
    Held("nobody in particular is a viewer", "", (), "viewer"),
    Held("a subscriber", "badges=subscriber/12", ("subscriber",), "subscriber"),
    Held("a subscriber by the tag alone", "subscriber=1", ("subscriber",), "subscriber"),
    Held("a founder is a subscriber, whatever the tag says", "badges=founder/0;subscriber=0", ("subscriber", "founder"), "subscriber"),
    Held("a VIP", "badges=vip/1", ("vip",), "vip"),
    Held("a moderator by badge", "badges=moderator/1", ("moderator",), "moderator"),
    Held("a lead moderator is a moderator", "badges=lead_moderator/1", ("moderator",), "moderator"),
    Held("a moderator by the mod tag", "mod=1", ("moderator",), "moderator"),
    Held("a moderator by the user type", "user-type=mod", ("moderator",), "moderator"),
    Held("the broadcaster, though mod is 0", "badges=broadcaster/1;mod=0", ("broadcaster",), "broadcaster"),
    Held(
        "the highest of several counts",
        "badges=subscriber/3,vip/1,moderator/1",
        ("moderator", "vip", "subscriber"),
        "moderator",
    ),
    Held("staff do not rank", "badges=staff/1;user-type=staff", ("staff",), "viewer"),
    Held("an admin who subscribes is a subscriber", "badges=admin/1,subscriber/0", ("subscriber", "admin"), "subscriber"),
    Held("a global moderator does not rank", "badges=global_mod/1", ("global_mod",), "viewer"),
    Held("a badge of another name gives nothing", "badges=moderators/1,game-moderator/1", (), "viewer"),
    Held("tags of zero give nothing", "mod=0;vip=0;subscriber=0;user-type=", (), "viewer"),
]
