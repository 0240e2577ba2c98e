"""``bitbrat twitch parse``: raw chat lines in, one JSON object a line out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import BinaryIO

import click


@click.group()
def twitch() -> None:
    """Twitch tools."""


@twitch.command()
@click.option("--wire", is_flag=True, help="Print the parsed line (command, params, prefix, tags) instead of the envelope.")
def parse(wire: bool) -> None:
    """Read raw IRC lines on stdin and print one JSON object for each, in order.

    The object is {"envelope": …}, {"ignored": COMMAND} or {"error": {"code", "message"}}. Exits 0 whatever the lines hold.
    """
    from bitbrat.connectors.twitch.parse_stream import parse_record, written
    from bitbrat.world import RealWorld

    world = RealWorld()
    out = sys.stdout.buffer
    for line in lines(sys.stdin.buffer):
        record = parse_record(line, now=world.now(), wire=wire)
        out.write(written(record))
    out.flush()


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a byte stream, split at line feeds only; a last one without its line feed counts too."""
    for line in stream:
        yield line[:-1] if line.endswith(b"\n") else line
