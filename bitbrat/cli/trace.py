"""``bitbrat trace``: the story of one message."""

from __future__ import annotations

import click

from bitbrat.cli.output import print_json


@click.command()
@click.argument("message", metavar="ID|last")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; routingSlip is the slip as it was at the end.")
def trace(message: str, as_json: bool) -> None:
    """Tell the story of one message: what happened, when, and why. ID may be the beginning of one, 8 characters or more."""
    from bitbrat.cli.connect import ask
    from bitbrat.cli.story import render

    story = ask(lambda operator: operator.message(message))
    if as_json:
        print_json(story)
    else:
        click.echo(render(story))
