"""Bytes as they come off a socket, cut into lines. Nothing here reads the socket."""

from __future__ import annotations

from bitbrat.connectors.twitch.irc_line import IrcError

MAX_LINE = 64 * 1024
"""The longest line we keep, bytes without the `\n`. Real ones reach about 9 KiB, 8 of them tags."""


class LineSplitter:
    r"""Collects reads and gives out whole lines, in order, however the bytes were cut into reads.

    Lines end with ``\n``; ``\r`` before it goes too. Blank lines are given out as well.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._discarding = False

    @property
    def held(self) -> int:
        """Bytes of the unfinished line."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes | IrcError]:
        """The lines that ``data`` completes. In place of a line over the limit stands one ``irc.line_too_long``, not raised.

        The error is an item so that the lines before it are not lost; a connection that gets one is best closed.
        """
        out: list[bytes | IrcError] = []
        *ended, rest = data.split(b"\n")
        for piece in ended:
            self._take(piece, out)
            if not self._discarding:
                out.append(bytes(self._rest).rstrip(b"\r"))
            self._rest.clear()
            self._discarding = False
        self._take(rest, out)
        return out

    def _take(self, piece: bytes, out: list[bytes | IrcError]) -> None:
        if self._discarding:
            return
        self._rest += piece
        if len(self._rest) > self._limit:
            self._discarding = True
            self._rest.clear()
            out.append(IrcError("irc.line_too_long", f"more than {self._limit} bytes came without a line end"))
