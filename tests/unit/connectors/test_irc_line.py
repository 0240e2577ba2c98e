"""A line of IRC is taken apart as the grammar says, and nothing that a server sends can do worse than be refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitbrat.connectors.twitch.irc_line import IrcError, Prefix, escape, is_blank, parse_line, unescape
from tests.unit.connectors.irc_vectors import LINES, MALFORMED, Parsed

text = st.text(st.characters(exclude_categories=["Cs"]))
word = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \r\n\0"), min_size=1)
middle = word.filter(lambda found: not found.startswith(":"))
name = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \r\n\0;=@:"), min_size=1)
token = st.text(st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=1)


@pytest.mark.parametrize("vector", LINES, ids=lambda vector: vector.claim)
def test_a_line_has_these_parts(vector: Parsed) -> None:
    """Each vector's claim holds."""
    line = parse_line(vector.raw)

    assert (line.command, line.params, dict(line.tags)) == (vector.command, vector.params, vector.tags)
    assert line.prefix == (vector.prefix and Prefix(*vector.prefix))


@pytest.mark.parametrize(
    "vector", [vector for vector in LINES if isinstance(vector.raw, str) and "\ud83d" not in vector.raw], ids=lambda v: v.claim
)
def test_bytes_and_text_of_a_line_are_the_same_line(vector: Parsed) -> None:
    """A line may be given decoded or not."""
    assert isinstance(vector.raw, str)
    assert parse_line(vector.raw.encode()) == parse_line(vector.raw)


@pytest.mark.parametrize("raw", [raw for _, raw in MALFORMED], ids=[claim for claim, _ in MALFORMED])
def test_a_line_without_a_command_is_malformed(raw: str) -> None:
    """The refusal has its code."""
    with pytest.raises(IrcError) as refused:
        parse_line(raw)

    assert refused.value.code == "irc.malformed"


@given(st.one_of(st.binary(), st.text()))
def test_any_bytes_are_a_line_or_malformed(raw: bytes | str) -> None:
    """Whatever comes, the read loop sees a line or an IrcError, and the line can be written as UTF-8."""
    with suppress(IrcError):
        line = parse_line(raw)

        " ".join([line.command, *line.params, *line.tags, *line.tags.values()]).encode()


@given(text)
def test_an_escaped_value_comes_back(value: str) -> None:
    """Escape and unescape are inverse, and an escaped value holds nothing that ends it."""
    assert unescape(escape(value)) == value
    assert not set(escape(value)) & set("; \r\n")


@given(st.text("\\:snrx; "))
def test_unescaping_never_grows_a_value(value: str) -> None:
    """Every escape is one letter of meaning."""
    assert len(unescape(value)) <= len(value)


@given(st.dictionaries(name, text), st.randoms())
def test_tags_come_back_whatever_their_order(tags: dict[str, str], random: object) -> None:
    """The order of tags means nothing."""
    pairs = [f"{key}={escape(value)}" for key, value in tags.items()]
    random.shuffle(pairs)  # type: ignore[attr-defined]

    assert dict(parse_line(f"@{';'.join(pairs)} X").tags) == tags


@given(token, st.lists(middle), st.one_of(st.none(), text.filter(lambda found: not set(found) & set("\r\n"))))
def test_parameters_come_back(command: str, middles: list[str], trailing: str | None) -> None:
    """Middles and the trailing one are told apart only by how they are written."""
    raw = " ".join([command, *middles]) + ("" if trailing is None else f" :{trailing}")

    line = parse_line(raw)

    assert line.command == command
    assert line.params == (*middles, *([] if trailing is None else [trailing]))


@given(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \r\n\0!@")) for _ in range(3)])
def test_a_prefix_comes_back(nick: str, user: str, host: str) -> None:
    """Nick, user and host are found, empty or not."""
    assert parse_line(f":{nick}!{user}@{host} X").prefix == Prefix(nick, user, host)
    assert parse_line(f":{nick}@{host} X").prefix == Prefix(nick, None, host)
    assert parse_line(f":{host} X").prefix == Prefix(None, None, host)


def test_helpers_answer_with_empty_text_for_what_is_not_there() -> None:
    """A caller never has to ask whether a tag, a nick or a channel exists."""
    line = parse_line("X notachannel")

    assert (line.tag("id"), line.nick, line.channel, line.text) == ("", "", "", None)


def test_helpers_find_what_is_there() -> None:
    """Nick, channel and text of a chat line."""
    line = parse_line("@id=1 :ann!ann@h PRIVMSG #room :hi there")

    assert (line.tag("id"), line.nick, line.channel, line.text) == ("1", "ann", "room", "hi there")


@pytest.mark.parametrize("raw", ["", " " * 512, "\r", "\r\n", b"", b"\t"])
def test_a_line_of_white_space_is_blank(raw: str | bytes) -> None:
    """Blank lines can be skipped without parsing them."""
    assert is_blank(raw)


def test_a_parsed_line_cannot_be_changed() -> None:
    """Values are frozen, the tags too."""
    line = parse_line("@a=1 X")

    with pytest.raises(TypeError):
        line.tags["a"] = "2"  # type: ignore[index]
