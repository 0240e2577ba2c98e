"""Texts that look the same compare the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitbrat.connectors.text import normalise, without_mention


@pytest.mark.parametrize(
    "text",
    [
        "!PING",
        "！ＰＩＮＧ",
        "!p\u200bing",
        "!ping \U000e0000",
        "\u202e!ping",
        "!p\u00ading",
        "  !ping ",
        "!𝐩𝐢𝐧𝐠",
        "\ufeff!ping",
        "!ping\ufe0f",
    ],
)
def test_a_command_in_disguise_is_found(text: str) -> None:
    """Full width, zero width, direction marks, an invisible tail: all the same command."""
    assert normalise(text) == "!ping"


@pytest.mark.parametrize(("text", "folded"), [("Straße", "strasse"), ("ﬁne", "fine"), ("é", "é"), ("ΣΊΣΥΦΟΣ", "σίσυφοσ"), ("日本", "日本")])
def test_letters_are_folded_and_kept(text: str, folded: str) -> None:
    """Every script stays what it is."""
    assert normalise(text) == folded


def test_look_alikes_of_another_script_stay_different() -> None:
    """A Cyrillic letter is not a Latin one."""
    assert normalise("!рing") != "!ping"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    """A normalised copy is its own normalised copy."""
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"text": "@Ann !ping 3", "reply": {"parentMessageId": "p"}}, "!ping 3"),
        ({"text": "@Ann", "reply": {"parentMessageId": "p"}}, ""),
        ({"text": "!ping", "reply": {"parentMessageId": "p"}}, "!ping"),
        ({"text": "@Ann !ping"}, "@Ann !ping"),
        ({}, ""),
        ({"text": 5}, ""),
    ],
)
def test_a_command_in_a_reply_is_found_behind_the_mention(payload: dict[str, object], words: str) -> None:
    """Only a reply's own mention is left out."""
    assert without_mention(payload) == words
