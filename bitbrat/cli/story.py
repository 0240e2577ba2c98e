"""A message's story as text: headline, story, waterfall, why, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from bitbrat.cli.output import clean

if TYPE_CHECKING:
    from bitbrat.store import FinalRecord

_COLOURS = {"ERROR": "red", "OK": "green", "ok": "green"}


def tell(record: FinalRecord) -> str:
    """The story of a message that has ended."""
    from bitbrat.story import story_of_record

    return render(story_of_record(record).to_json())


def render(story: Mapping[str, Any]) -> str:
    """The story, from its JSON, as ``bitbrat trace`` prints it."""
    lines = [clean(story["headline"]), f"Story  {clean(story['story'], 600)}"]
    rows = story["waterfall"]
    width = max((len(row["name"]) for row in rows), default=0)
    lines += [_row(row, width) for row in rows]
    if story["incomplete"]:
        lines.append(f"       {story['incomplete']}")
    if story["next"]:
        lines.append(f"Next   {'      '.join(clean(command) for command in story['next'])}")
    return "\n".join(lines)


def _row(row: Mapping[str, Any], width: int) -> str:
    offset, duration, status = row["offsetMs"], row["durationMs"], row["status"]
    at = f"{offset:7.1f} ms" if offset is not None else "      -   "
    took = f"{duration:6.1f} ms" if duration is not None else "         "
    state = click.style(f"{status:<7}", fg=_COLOURS.get(status))
    return f"{at}  {clean(row['name'], 60):<{width}}  {state} {took}  {clean(row['note'])}".rstrip()
