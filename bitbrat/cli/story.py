"""A message's story as text: headline, story, waterfall, why, what to do next."""

from __future__ import annotations

from bitbrat.cli.output import clean
from bitbrat.store import FinalRecord
from bitbrat.story import Row, Story, story_of_record


def tell(record: FinalRecord) -> str:
    """The story of a message that has ended."""
    return render(story_of_record(record))


def render(story: Story) -> str:
    """The story, as ``bitbrat trace`` prints it."""
    lines = [clean(story.headline), f"Story  {clean(story.sentence, 400)}"]
    width = max((len(row.name) for row in story.rows), default=0)
    lines += [_row(row, width) for row in story.rows]
    if story.incomplete:
        lines.append(f"       {story.incomplete}")
    lines += [f"Next   {command}" for command in story.next]
    return "\n".join(lines)


def _row(row: Row, width: int) -> str:
    at = f"{row.offset_ms:7.1f} ms" if row.offset_ms is not None else "      -   "
    took = f"{row.duration_ms:6.1f} ms" if row.duration_ms is not None else "         "
    return f"{at}  {row.name:<{width}}  {row.status:<7} {took}  {clean(row.note)}".rstrip()
