"""``bitbrat dlq``: failures and dead letters. Nothing is replayed or discarded without saying first what, and how much."""

from __future__ import annotations

import base64
import sys
from typing import Any

import click

from bitbrat.api.operator import Operator
from bitbrat.api.table import EGRESS, MODES, STATES
from bitbrat.cli.output import print_json

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_IDS = click.argument("ids", metavar="[ID]...", nargs=-1)
_ALL = click.option("--all", "everything", is_flag=True, help="All open failures.")
_GROUP = click.option("--group", default="", metavar="FINGERPRINT", help="The open failures of one group.")
_DRY = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
_YES = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


class Nouns(click.Group):
    """A group with second names for some of its commands."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command by either name."""
        return super().get_command(ctx, {"retry": "replay"}.get(cmd_name, cmd_name))


@click.group(cls=Nouns)
def dlq() -> None:
    """Failures and dead letters: list, show, replay (or retry), discard."""


@dlq.command("list")
@_GROUP
@click.option("--state", type=click.Choice(STATES), help="Only those; without it, what is open or being replayed.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@_JSON
def list_(group: str, state: str | None, limit: int, as_json: bool) -> None:
    """List failures, newest first, and the groups that they form."""
    from bitbrat.cli.connect import ask
    from bitbrat.cli.failures import collect, listing

    async def question(operator: Operator) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        rows = await collect(operator, group=group, states=[state] if state else [], limit=limit)
        return rows, [] if group or state else await operator.groups()

    rows, groups = ask(question)
    if as_json:
        print_json(rows)
    else:
        click.echo(listing(rows, groups))


@dlq.command()
@_JSON
def groups(as_json: bool) -> None:
    """List failures by what they have in common."""
    from bitbrat.cli.connect import ask
    from bitbrat.cli.failures import grouping

    found = ask(lambda operator: operator.groups())
    if as_json:
        print_json(found)
    else:
        click.echo(grouping(found))


@dlq.command()
@click.argument("failure", metavar="ID|last")
@click.option("--raw", is_flag=True, help="Write the original bytes, nothing else.")
@_JSON
def show(failure: str, raw: bool, as_json: bool) -> None:
    """Show one failure with its whole original message."""
    from bitbrat.cli.connect import ask
    from bitbrat.cli.failures import shown

    found = ask(lambda operator: operator.failure(failure))
    if raw:
        sys.stdout.buffer.write(base64.b64decode(found["data"]))
    elif as_json:
        print_json(found)
    else:
        click.echo(shown(found))


@dlq.command()
@_IDS
@_ALL
@_GROUP
@click.option(
    "--mode", type=click.Choice(MODES), default="resume", show_default=True, help="From the failed step, the first, or the router."
)
@click.option(
    "--egress", type=click.Choice(EGRESS), default="auto", show_default=True, help="auto: replies to what is older than 2 min are kept."
)
@click.option("--reason", default="", help="Why, for the book.")
@click.option("--timeout", default=30.0, show_default=True, type=click.FloatRange(0, 3600), help="Seconds to wait for each end.")
@_DRY
@_YES
@_JSON
def replay(
    ids: tuple[str, ...],
    everything: bool,
    group: str,
    mode: str,
    egress: str,
    reason: str,
    timeout: float,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Send failures on their way once more, by ID or all of them or a group. The originals stay as they were.

    The set is fixed when it begins: what fails meanwhile is not in it. Exits 3 when some did not end well.
    """
    from bitbrat.cli.bulk import Bulk, Replay
    from bitbrat.cli.connect import ask

    bulk = Bulk(ids, everything=everything, group=group, dry_run=dry_run, yes=yes, as_json=as_json)
    return ask(lambda operator: bulk.run(operator, Replay(mode, egress, reason, timeout)), platform=not dry_run)


@dlq.command()
@_IDS
@_ALL
@_GROUP
@_DRY
@_YES
@_JSON
def discard(ids: tuple[str, ...], everything: bool, group: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Take failures off the list for good; their records stay. Exits 3 when some could not be."""
    from bitbrat.cli.bulk import Bulk, Discard
    from bitbrat.cli.connect import ask

    bulk = Bulk(ids, everything=everything, group=group, dry_run=dry_run, yes=yes, as_json=as_json)
    return ask(lambda operator: bulk.run(operator, Discard()))
