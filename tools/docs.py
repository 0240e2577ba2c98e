"""Makes the pages of the reference that are made from the code: settings, errors, command line. ``--check`` only compares.

Run by ``make docs``; ``tests/docs`` fails when a page is not what the code says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from bitbrat.catalogue import CATALOGUE
from bitbrat.cli import COMMANDS, cli
from bitbrat.config import CoreSettings, ServiceSettings, settings_table
from bitbrat.host import load_services
from bitbrat.host.modules import CORE

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- Made from the code by `make docs`. Do not edit. -->\n\n"
WIDTH = 100

AREAS = {
    "envelope": "Bytes that are not accepted as an envelope",
    "slip": "Where an envelope cannot go",
    "step": "Handlers",
    "bus": "The bus",
    "store": "The store",
    "auth": "Who is heard, who may ask",
    "dlq": "What operators do about failures",
    "rules": "Rules files",
    "http": "Requests",
    "net": "The network of this machine",
    "config": "Settings and declarations",
    "irc": "Twitch chat",
    "egress": "Replies on their way out",
    "cli": "The command line",
    "internal": "The unexpected",
}


def settings_classes() -> Iterator[tuple[str, type[ServiceSettings]]]:
    """What reads settings, and its class: the process itself, then each service."""
    yield "Every process", CoreSettings
    for service in load_services(CORE):
        if service.settings is not None:
            yield f"`services.{service.name.replace('-', '_')}`", service.settings


def settings_page() -> str:
    """Every variable, by who reads it."""
    parts = [
        "# Settings\n\n",
        MADE,
        "Settings are environment variables. `<NAME>_FILE` names a file that holds the value. Lists are written `a,b,c`, or as JSON;\n"
        "maps are JSON. What is missing, wrong or misspelt is said at start, all at once, and the exit code is 78. Values are never\n"
        "shown.\n",
    ]
    parts += [f"\n## {title}\n\n{settings_table([settings])}" for title, settings in settings_classes()]
    return "".join(parts)


def errors_page() -> str:
    """Every code with what it means and what to do, by area."""
    parts = [
        "# Errors\n\n",
        MADE,
        "Every code, what it means, and what to do about it. The same on the command line: `bitbrat explain CODE`.\n",
    ]
    for area in dict.fromkeys(code.partition(".")[0] for code in CATALOGUE):
        parts.append(f"\n## {AREAS.get(area, area)}\n\n| Code | What it means | What to do |\n|---|---|---|\n")
        entries = [(code, entry) for code, entry in CATALOGUE.items() if code.startswith(f"{area}.")]
        parts += [f"| `{code}` | {_cell(entry.what)} | {_cell(entry.fix)} |\n" for code, entry in entries]
    return "".join(parts)


def cli_page() -> str:
    """The ``--help`` of every command."""
    parts = [
        "# Command line\n\n",
        MADE,
        "Exit codes: 0 ok · 1 failed · 2 usage · 3 some items failed · 4 cannot connect · 5 refused · 69 bus or store gone ·\n"
        "78 configuration refused · 130 interrupted.\n",
    ]
    with click.Context(cli, info_name="bitbrat") as top:
        for name in COMMANDS:
            command = cli.get_command(top, name)
            if command is not None:
                parts += helps(command, name, top)
    return "".join(parts)


def helps(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """The help of ``command`` and of those below it."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    yield f"\n## {context.command_path}\n\n```\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from helps(found, below, context)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def pages() -> dict[Path, str]:
    """Every made page and what it should say."""
    return {REFERENCE / "settings.md": settings_page(), REFERENCE / "errors.md": errors_page(), REFERENCE / "cli.md": cli_page()}


def main(check: bool) -> int:
    """Write the pages that are not what they should be; with ``check`` name them instead, and exit 1."""
    old = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in old:
        print(f"{'differs' if check else 'wrote'}  {path.relative_to(ROOT)}")
        if not check:
            path.write_text(pages()[path], encoding="utf-8")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main("--check" in sys.argv[1:]))
