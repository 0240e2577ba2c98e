"""``bitbrat schema export``: the contract as files."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

import click

from bitbrat.cli.output import print_json


@click.group()
def schema() -> None:
    """The contract as data."""


@schema.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("envelopes"))
@click.option("--json", "as_json", is_flag=True, help="Print the paths as JSON.")
def export(folder: Path, as_json: bool) -> None:
    """Write JSON Schemas, the AsyncAPI document and examples into FOLDER (default: envelopes)."""
    from bitbrat.host.modules import load_services
    from bitbrat.schema import export as write

    names = [f"services.{found.name}" for found in pkgutil.iter_modules(import_module("services").__path__)]
    paths = write(folder, [service.manifest() for service in load_services(names)])
    if as_json:
        print_json([str(path) for path in paths])
    else:
        click.echo(f"{len(paths)} files in {folder}")
