"""Patterns: the ones that people write get in, and the reasoning about the others is on the safe side."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat.rules.charsets import DOT, one
from bitbrat.rules.pattern_parse import Atom, BadPattern, parse
from bitbrat.rules.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        (r"^!so\s+@?(\w+)\s*$", "!so @bob ", "!so"),
        (r"https?://\S+", "see http://x.y", "http"),
        (r"(?:buy|get)\s+(?:cheap\s+)?followers", "Get cheap followers", "followers"),
        (r"\bfoo\b.*\bbar\b", "a foo and a bar", "foobar"),
        (r"^!(?:give|pay)\s+(\w+)\s+(\d{1,6})$", "!give bob 100", "!give bob"),
        (r"^(ha){3,}$", "hahaha", "haha"),
        (r"[a-z]+@[a-z]+\.com", "mail me@home.com", "me@home"),
        (r"^\d+\s*-\s*\d+$", "10 - 20", "10 20"),
        (r"^[^\s]+$", "word", "two words"),
        (r"caf[eé]", "CAFÉ", "caf"),
        (r"^.{0,10}!$", "hello!", "hello"),
        (r"^\[x\]\{2\}$", "[x]{2}", "x"),
        (r"a{2}|b{3,}|c{,2}d", "aa", "bb"),
    ],
)
def test_what_people_write_gets_in(pattern, found, not_found):
    """And means what it always means, without regard to case."""
    search = compile_pattern(pattern, ignore_case=True)

    assert search(found)
    assert not search(not_found)


def test_only_the_first_500_characters_are_searched():
    """However long the text is."""
    assert compile_pattern("b$")("a" * 499 + "bcd")
    assert not compile_pattern("b")("a" * 500 + "b")


@pytest.mark.parametrize(
    "pattern", ["(", ")", "[", "[a", "a)", "*", "a**", "a{3}{3}", "\\", "[z-a]", "a{2,1}", "{", "\\q", "[[a]", "^*", "(?:)*", "[a--b]"]
)
def test_what_is_not_a_pattern_is_refused(pattern):
    """With a sentence, never an exception of the library's."""
    with pytest.raises(BadPattern):
        compile_pattern(pattern)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="ab()[]|*+?{}1,2\\.^$-wds", max_size=20))
def test_any_text_is_a_pattern_or_is_refused(pattern):
    """Nothing but :class:`BadPattern`, and what is accepted runs."""
    try:
        search = compile_pattern(pattern, ignore_case=True)
    except BadPattern:
        return
    assert search("ab" * 250) in (True, False)


CLASSES = st.sampled_from(
    [r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", ".", "a", "K", "é", "[a-f]", "[^a]", "[^a-z]", r"[^\w]", r"[\d_]", "[é-ü]", "[^é]", "[A-Z]"]
)
CHARACTERS = st.sampled_from("aAkKsSzZ09_ \t\n-!éÉſ\u212aı\u0660\u00a0\u2003😀") | st.characters(exclude_categories=["Cs"])


@settings(max_examples=200, deadline=None)
@given(CLASSES, CHARACTERS, st.booleans())
def test_a_set_holds_every_character_that_its_pattern_matches(pattern, character, ignore_case):
    """The reasoning may take a set too wide, never too narrow, whether case counts or not."""
    atom = parse(pattern)[0]

    assert isinstance(atom, Atom)
    if re.fullmatch(pattern, character, re.IGNORECASE if ignore_case else 0):
        assert one(character) & atom.characters or (character != "\n" and atom.characters == DOT)
