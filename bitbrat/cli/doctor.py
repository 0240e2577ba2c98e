"""``bitbrat doctor``: is everything as it must be here? Looks, and changes nothing."""

from __future__ import annotations

import asyncio

import click

from bitbrat.cli.output import FAILED, print_json

_COLOURS = {"ok": "green", "WARN": "yellow", "FAIL": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> int:
    """Check Python, settings, the data and who owns them, the port, bus, store, rules, steps and Twitch.

    Each finding has a fix. Exits 1 when something fails. Nothing is changed.
    """
    from bitbrat.cli.checks import examine

    findings = asyncio.run(examine())
    failed = sum(finding.state == "FAIL" for finding in findings)
    warned = sum(finding.state == "WARN" for finding in findings)
    if as_json:
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f" {click.style(f'{finding.state:<5}', fg=_COLOURS[finding.state])} {finding.text}")
            if finding.fix:
                click.echo(f"       fix: {finding.fix}{f'   {finding.code}' if finding.code else ''}")
        click.echo(f"{failed} failed, {warned} warning{'' if warned == 1 else 's'}.")
    return FAILED if failed else 0
