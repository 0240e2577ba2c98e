"""``bitbrat explain CODE`` and ``bitbrat version``."""

from __future__ import annotations

from difflib import get_close_matches

import click

from bitbrat.catalogue import CATALOGUE
from bitbrat.cli.output import print_json
from bitbrat.errors import BitBratError


@click.command()
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(code: str | None, as_json: bool) -> None:
    """Explain an error CODE and what to do about it; without CODE, list them all."""
    if code is None:
        found = CATALOGUE
    elif code in CATALOGUE:
        found = {code: CATALOGUE[code]}
    else:
        close = get_close_matches(code, CATALOGUE, 3)
        raise BitBratError(
            "cli.unknown_code", f"there is no code {code!r}", fix=f"bitbrat explain {close[0]}" if close else "bitbrat explain"
        )
    if as_json:
        print_json([{"code": name, "what": entry.what, "fix": entry.fix} for name, entry in found.items()])
        return
    for name, entry in found.items():
        click.echo(f"{name}\n  what  {entry.what}\n  fix   {entry.fix}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def version(as_json: bool) -> None:
    """Print the version of BitBrat and of Python."""
    import platform

    from bitbrat import __version__

    if as_json:
        print_json({"bitbrat": __version__, "python": platform.python_version()})
    else:
        click.echo(f"bitbrat {__version__}  (python {platform.python_version()})")
