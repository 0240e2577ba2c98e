"""Every command in the list exists, and is told of in a line."""

from __future__ import annotations

import click
import pytest

from bitbrat.cli import COMMANDS, cli


@pytest.mark.parametrize("name", COMMANDS)
def test_a_listed_command_is_there(name: str) -> None:
    """Nothing is listed that cannot be run."""
    with click.Context(cli) as ctx:
        command = cli.get_command(ctx, name)

    assert isinstance(command, click.Command)
    assert command.help


def test_every_command_and_option_says_what_it_is_for() -> None:
    """``--help`` is documentation."""
    silent = []
    with click.Context(cli) as ctx:
        for path, command in every(ctx, cli, "bitbrat"):
            silent += [path] if not command.help else []
            silent += [
                f"{path} {one.name}" for one in command.params if isinstance(one, click.Option) and not one.help and one.name != "help"
            ]

    assert silent == []


def test_what_prints_data_prints_json_too() -> None:
    """``--json``, everywhere where there is something to read."""
    talks = {"bitbrat demo", "bitbrat dev", "bitbrat run", "bitbrat twitch parse"}
    with click.Context(cli) as ctx:
        found = {
            path
            for path, command in every(ctx, cli, "bitbrat")
            if not isinstance(command, click.Group) and all("--json" not in one.opts for one in command.params)
        }

    assert found == talks


def every(ctx: click.Context, command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    """The command and all below it, each with its words."""
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            found += every(ctx, below, f"{path} {name}")
    return found
