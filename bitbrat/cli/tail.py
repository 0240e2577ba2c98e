"""``bitbrat tail``: messages as they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from bitbrat.api.operator import Operator

LOOK_AGAIN = 0.2
OVERLAP = timedelta(seconds=2)
"""What is looked at again each time: of two messages that end together, the earlier may be written later."""


@click.command()
@click.option("--last", default=10, show_default=True, type=click.IntRange(0, 1000), help="Begin with so many that have ended.")
@click.option("--follow", "-f", is_flag=True, help="Go on with those to come, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
def tail(last: int, follow: bool, as_json: bool) -> None:
    """Show the last messages that have ended, and with --follow those to come."""
    from bitbrat.cli.connect import ask
    from bitbrat.cli.show import finished

    def show(row: Mapping[str, Any]) -> None:
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else finished(row))

    async def question(operator: Operator) -> None:
        recent = (await operator.messages(newest_first=True, limit=last)).rows[::-1] if last else []
        for row in recent:
            show(row)
        if follow:
            async for row in following(operator, recent):
                show(row)

    ask(question)


async def following(operator: Operator, seen: list[dict[str, Any]] | None = None) -> AsyncIterator[dict[str, Any]]:
    """Messages that end from now on (after ``seen``, the last ones known), each once; never ends."""
    if seen is None:
        seen = (await operator.messages(newest_first=True, limit=100)).rows[::-1]
    known = {_key(row): str(row["at"]) for row in seen}
    newest = max(known.values(), default="", key=_time)
    while True:
        async for row in _since(operator, newest):
            if _key(row) not in known:
                known[_key(row)] = str(row["at"])
                newest = max(newest, str(row["at"]), key=_time)
                yield row
        begin = _time(newest) - 2 * OVERLAP
        known = {key: at for key, at in known.items() if _time(at) >= begin}
        await asyncio.sleep(LOOK_AGAIN)


async def _since(operator: Operator, newest: str) -> AsyncIterator[dict[str, Any]]:
    """What has ended since a little before ``newest``. One whose reply is on its way has not ended."""
    after = f"{(_time(newest) - OVERLAP).isoformat()}," if newest else ""
    while True:
        page = await operator.messages(after=after, limit=1000)
        for row in page.rows:
            if row["outcome"] != "pending_reply":
                yield row
        if len(page.rows) < 1000:
            return
        after = page.cursor


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["id"]), str(row["outcome"])


_BEGINNING = "1970-01-02T00:00:00+00:00"


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at or _BEGINNING)
