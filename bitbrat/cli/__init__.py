"""The command line. Nothing but click is imported here; each command's module is imported when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import TextIOWrapper

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Play a recorded chat through everything, on a real socket; ends by itself."),
    "dev": ("dev:dev", "Run the platform and your steps in this process, kept between runs."),
    "run": ("run:run", "Run one or many services: the production entry point."),
    "say": ("say:say", "Simulate a chat message and see what becomes of it."),
    "send": ("say:send", "Simulate any event."),
    "tail": ("tail:tail", "Show messages as they end."),
    "trace": ("trace:trace", "Tell the story of one message: what happened, when, and why."),
    "dlq": ("dlq:dlq", "Failures and dead letters: list, show, replay, discard."),
    "rules": ("rules:rules", "Rules: list, test, explain."),
    "twitch": ("twitch:twitch", "Twitch tools: parse raw chat lines."),
    "sim": ("sim:sim", "Simulate the platform with kills and lost answers, and check what became of every event."),
    "schema": ("schema:schema", "The contract as data: export schemas and examples."),
    "new": ("new:new", "Write a new step or service, with a passing test."),
    "explain": ("explain:explain", "Explain an error code and what to do about it."),
    "doctor": ("doctor:doctor", "Check the configuration, the port, bus and store; each finding with a fix."),
    "version": ("explain:version", "Print the version."),
}
"""Command → where it is, and its line in ``--help``."""


class Lazy(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command, imported now."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, attribute = entry[0].split(":")
        command: click.Command = getattr(import_module(f"bitbrat.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The list in ``--help``, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with a suggestion for a name that is nearly right."""
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS and (close := get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"there is no command {args[0]!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="bitbrat", message="bitbrat %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Events in, a routing slip decides, small steps act, replies go out."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False


def main() -> None:
    """The ``bitbrat`` command: runs, and turns every error into its four parts and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_outcome())


def _outcome() -> int:
    try:
        _check_arguments(sys.argv[1:])
        # Not click's own main(), which makes a failure of a reader that went away.
        with cli.make_context("bitbrat", sys.argv[1:]) as ctx:
            code = cli.invoke(ctx)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, EOFError, click.exceptions.Abort):
        return 130
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        from bitbrat.cli.output import told

        return told(error)
    return code if isinstance(code, int) else 0


def _check_arguments(arguments: list[str]) -> None:
    for number, argument in enumerate(arguments, 1):
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise click.UsageError(f"argument {number} is not UTF-8 text")


def _reader_gone() -> int:
    """Nobody reads what we write (``| head``): nothing more is written, and that is all right."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
