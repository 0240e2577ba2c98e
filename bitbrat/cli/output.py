"""How the command line speaks: errors in four parts, JSON where it is asked for, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from bitbrat.catalogue import explain
from bitbrat.errors import BitBratError, ConfigError

FAILED, USAGE, SOME_FAILED, CANNOT_CONNECT, REFUSED, CONFIG, GONE = 1, 2, 3, 4, 5, 78, 69
"""Exit codes besides 0: failed, usage, some items failed, cannot connect, refused by policy; ``run``: configuration, gone for good."""

_EXIT = {
    "cli.cannot_connect": CANNOT_CONNECT,
    "cli.refused": REFUSED,
    "cli.usage": USAGE,
    "bus.unavailable": CANNOT_CONNECT,
    "store.unavailable": CANNOT_CONNECT,
    "auth.bad_key": REFUSED,
}


def four_parts(error: BitBratError) -> str:
    """What, why, fix, code."""
    entry = explain(error.code)
    lines = [f"error: {error.message or entry.what}"]
    if error.why and error.why != error.message:
        lines += _part("why", error.why)
    elif error.message:
        lines += _part("why", entry.what)
    lines += _part("fix", error.fix or entry.fix)
    lines += _part("code", f"{error.code}      bitbrat explain {error.code}")
    return "\n".join(lines)


def _part(name: str, text: str) -> list[str]:
    first, *more = text.splitlines() or [""]
    return [f"  {name:<5} {first}", *(f"        {line}" for line in more)]


def exit_code(error: BaseException) -> int:
    """The exit code for an error."""
    if isinstance(error, ConfigError):
        return CONFIG
    return _EXIT.get(error.code, FAILED) if isinstance(error, BitBratError) else FAILED


def told(error: Exception) -> int:
    """Print an error in its four parts and return the exit code. One that nobody expected says so, without a stack trace."""
    if isinstance(error, click.ClickException):
        if type(error).__name__ == "NoArgsIsHelpError":  # of newer versions of click; its message is the help
            error.show()
            return USAGE
        error = usage(error)
    if not isinstance(error, BitBratError):
        error = BitBratError("internal.error", f"{type(error).__name__}: {error}", fix="report this, with the command that you ran")
    click.echo(four_parts(error), err=True)
    return exit_code(error)


def usage(error: click.ClickException) -> BitBratError:
    """What click found wrong with the call, with the command's own usage line."""
    ctx = getattr(error, "ctx", None)
    if ctx is None:
        return BitBratError("cli.usage", error.format_message(), fix="bitbrat --help")
    line = " ".join(ctx.get_usage().split())
    return BitBratError("cli.usage", error.format_message(), why=line, fix=f"{ctx.command_path} --help")


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def table(rows: Iterable[Sequence[object]], head: Sequence[str]) -> str:
    """A plain table, columns as wide as they need."""
    cells = [list(map(str, head)), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


def clean(text: str, most: int = 200) -> str:
    """A user's text for a terminal: one line, no control characters, cut."""
    shown = "".join(char if char.isprintable() else "·" for char in text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def mapping(value: object) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one: for reading JSON that others made."""
    return value if isinstance(value, Mapping) else {}
