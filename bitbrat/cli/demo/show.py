"""What the terminal shows of a demo: each line as it comes, what became of it, a summary, one story."""

from __future__ import annotations

from pathlib import Path

import click

from bitbrat.cli.demo.script import Line
from bitbrat.cli.demo.verdict import Verdict
from bitbrat.cli.output import clean, mapping
from bitbrat.store import FinalRecord

WIDTH = 44


class Show:
    """Writes to the terminal; colour only where there is one."""

    def opening(self, script: Path, url: str, lines: int) -> None:
        """What is about to be played."""
        click.secho("BitBrat demo", bold=True)
        click.echo(f"  Chat     {script.name}, {lines} lines, played by a local server that speaks Twitch's dialect")
        click.echo(f"  Socket   {url}")
        click.echo("  Bus      sqlite, in a folder that is removed afterwards\n")

    def line(self, line: Line) -> None:
        """A line that is no message: ignored, or refused."""
        if line.refused:
            click.echo(f"{wide(line.text)}  {click.style('refused', fg='yellow')}  {line.refused}")
        elif not line.identity:
            click.echo(f"{wide(line.text)}  ignored")

    def ended(self, record: FinalRecord, line: Line) -> None:
        """A message that has its final record: the rule, the reply as it came back, the time."""
        detail = mapping(record.detail)
        rule = mapping(detail.get("rule")).get("rule") or "-"
        colour = {"failed": "red", "dead_lettered": "red", "handled": "green"}.get(record.outcome)
        replies = [str(mapping(reply).get("text", "")) for reply in detail.get("replies", ())]
        shown = f'-> "{clean(" / ".join(replies), 60)}"' if replies else ""
        state = click.style(f"{record.outcome:<9}", fg=colour)
        took = f"{detail.get('totalMs', 0):>6.0f} ms"
        click.echo(f"{wide(f'@{line.who}: {line.text}')}  rule {rule:<9} {state} {took}  {shown or record.code}")

    def summary(self, verdict: Verdict) -> None:
        """What was read off the socket, what was recorded, and whether they agree."""
        if verdict.story is not None:
            self._story(verdict.story)
        times = verdict.milliseconds or (0.0,)
        outcomes = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(verdict.outcomes.items()))
        click.secho("Summary", bold=True)
        said = f"{verdict.messages} messages, {verdict.refused} refused, the rest is protocol or came twice"
        click.echo(f"  {verdict.lines} lines: {said}")
        click.echo(f"  {outcomes}   (from the final records)")
        median = f"median {times[len(times) // 2]:.0f} ms, longest {times[-1]:.0f} ms"
        click.echo(f"  {verdict.on_the_socket} replies read off the socket   {median}")
        for wrong in verdict.disagreements:
            click.secho(f"  MISMATCH {clean(wrong)}", fg="red")
        if verdict.agrees:
            click.secho("  Every message has one final record, and every recorded reply was read off the socket once.", fg="green")

    def _story(self, record: FinalRecord) -> None:
        from bitbrat.cli.story import tell

        click.secho("\nOne message, as bitbrat trace tells it", bold=True)
        click.echo(f"{tell(record)}\n")


def wide(text: str) -> str:
    """``text`` in a column: cut or filled up to as many cells as a terminal shows."""
    from rich.cells import set_cell_size

    return set_cell_size(clean(text, WIDTH), WIDTH)
