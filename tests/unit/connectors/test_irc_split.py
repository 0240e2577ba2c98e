"""Reads become lines, however the bytes were cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bitbrat.connectors.twitch.irc_line import IrcError
from bitbrat.connectors.twitch.irc_split import MAX_LINE, LineSplitter


def fed(reads: list[bytes], limit: int = MAX_LINE) -> list[bytes | str]:
    """What the splitter gives out for these reads; errors as their code."""
    splitter = LineSplitter(limit)
    return [item.code if isinstance(item, IrcError) else item for read in reads for item in splitter.feed(read)]


def test_one_read_may_hold_several_lines() -> None:
    """A hundred lines in one segment are a hundred lines, in order."""
    lines = [f"line {number}".encode() for number in range(100)]

    assert fed([b"".join(line + b"\r\n" for line in lines)]) == lines


def test_one_line_may_come_in_a_hundred_reads() -> None:
    """A byte at a time is enough, also inside a character."""
    line = "PRIVMSG #c :🦆🦆🦆 äöü".encode()

    assert fed([bytes([byte]) for byte in line + b"\r\n"]) == [line]


def test_a_bare_newline_ends_a_line_and_a_bare_return_does_not() -> None:
    """Only what Twitch ends lines with ends them."""
    assert fed([b"a\nb\rc\r\n\n\r\n"]) == [b"a", b"b\rc", b"", b""]


def test_an_unfinished_line_is_kept_back() -> None:
    """Half a line is not a line."""
    assert fed([b"whole\r\nha"]) == [b"whole"]


def test_a_line_of_the_limit_is_a_line() -> None:
    """The limit itself is allowed."""
    assert fed([b"x" * MAX_LINE, b"\n"]) == [b"x" * MAX_LINE]


def test_sixty_four_kilobytes_without_a_line_end_are_reported_once() -> None:
    """The lines before it are not lost, and its rest never becomes a line of its own."""
    assert fed([b"before\n" + b"x" * (MAX_LINE + 1), b"x" * 10 * MAX_LINE, b"x\nafter\n"]) == [b"before", "irc.line_too_long", b"after"]


def test_a_line_too_long_is_not_kept_in_memory() -> None:
    """What is thrown away does not pile up."""
    splitter = LineSplitter(limit=10)
    for _ in range(100):
        splitter.feed(b"x" * 1000)

    assert splitter.held == 0


@given(st.lists(st.binary(max_size=30).map(lambda raw: raw.replace(b"x", b"\n")), max_size=20), st.integers(1, 20))
def test_how_the_bytes_are_cut_into_reads_means_nothing(reads: list[bytes], limit: int) -> None:
    """Any segmentation of a stream gives the same lines and the same errors."""
    whole = b"".join(reads)

    assert fed(reads, limit) == fed([whole], limit) == fed([bytes([byte]) for byte in whole], limit)
