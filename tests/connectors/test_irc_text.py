"""Text on its way out: short enough, on one line, and never a command."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.connectors.twitch.irc_line import parse_line
from bitbrat.connectors.twitch.irc_send import ACTION_LIMIT, INVISIBLE, LIMIT, DuplicateGuard, neutralise, prepare, privmsg, split

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
long_texts = st.one_of(st.lists(words, max_size=120).map(" ".join), st.text(max_size=3000))


def squeezed(text: str) -> str:
    """The text without anything that a cut may take away or add."""
    return "".join(text.replace(INVISIBLE, "").replace("\0", "").replace("\x01", "").split())


@settings(max_examples=200)
@given(long_texts)
def test_no_part_is_over_the_limit_and_nothing_is_lost_but_spaces(text: str) -> None:
    """Code points, not bytes."""
    parts = prepare(text)

    assert all(0 < len(part) <= LIMIT for part in parts)
    assert squeezed("".join(parts)) == squeezed(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


@settings(max_examples=200)
@given(long_texts)
def test_no_part_is_a_command_or_more_than_one_line(text: str) -> None:
    """Also a part that a cut made to begin with a slash."""
    for part in prepare(text):
        assert not part.lstrip().startswith(("/", "."))
        assert not set(part) & set("\r\n\0\x01")


@settings(max_examples=100)
@given(long_texts)
def test_an_action_is_cut_shorter_and_each_part_is_an_action(text: str) -> None:
    """The word before it counts for Twitch too."""
    parts = prepare(text, action=True)

    assert all(part.startswith("/me ") and len(part) <= ACTION_LIMIT + 4 for part in parts)


@given(st.text(max_size=60), st.text(max_size=60))
def test_tags_of_a_message_come_back_as_they_were(nonce: str, parent: str) -> None:
    """Whatever the values hold, they add neither a tag nor a line."""
    line = parse_line(
        privmsg("chan", "hello", nonce="n" + nonce.replace("\0", ""), reply_to="r" + parent.replace("\0", "")).encode("utf-8", "replace")
    )

    assert line.params == ("#chan", "hello")
    assert set(line.tags) == {"client-nonce", "reply-parent-msg-id"}


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 6, ["one", "two", "three"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("ab abcdefgh", 5, ["ab", "abcde", "fgh"]),
        ("😀😀😀 😀", 3, ["😀😀😀", "😀"]),
        ("a" * 500, 500, ["a" * 500]),
        ("  ", 5, []),
    ],
)
def test_text_is_cut_at_spaces_where_there_are_any(text: str, limit: int, parts: list[str]) -> None:
    """A word longer than a part is cut anywhere."""
    assert split(text, limit) == parts


@pytest.mark.parametrize("text", ["/ban ann", "  /ban ann", ".timeout ann", "/me hi", "...", "/"])
def test_a_generated_slash_or_dot_is_shown_and_not_obeyed(text: str) -> None:
    """It stays readable: only something invisible goes before it."""
    safe = neutralise(text)

    assert safe == INVISIBLE + text
    assert prepare(text) == [INVISIBLE + text.strip()]


def test_500_characters_are_one_message_and_with_a_slash_they_are_two() -> None:
    """The invisible character needs room as well."""
    assert [len(part) for part in prepare("a" * 500)] == [500]
    assert [len(part) for part in prepare("/" + "a" * 499)] == [500, 1]


def test_a_doubled_message_of_full_length_differs_without_growing() -> None:
    """Its last space becomes one that does not break."""
    guard, text = DuplicateGuard(), "a" * 250 + " " + "b" * 249
    first, second = guard.vary("chan", text, 0), guard.vary("chan", text, 1)

    assert first == text
    assert second != text
    assert len(second) == LIMIT


def test_the_guard_looks_at_each_channel_by_itself_and_forgets() -> None:
    """Thirty-two seconds later the same text is a new one."""
    guard = DuplicateGuard(seconds=32)

    assert [guard.vary("one", "x", 0), guard.vary("two", "x", 0), guard.vary("one", "x", 31.9)] == ["x", "x", "x" + INVISIBLE]
    assert guard.vary("two", "x", 32) == "x"
