"""Texts that look the same compare the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitbrat.connectors.text import normalise


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
