"""``bitbrat --help`` answers at once, because it loads almost nothing."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "pydantic",
    "pydantic_settings",
    "aiohttp",
    "sqlalchemy",
    "sqlite3",
    "structlog",
    "yaml",
    "rich",
    "asyncio",
    "jiter",
    "prometheus_client",
)
ASK = """
import sys
sys.argv = ["bitbrat", *sys.argv[1:]]
from bitbrat.cli import main
try:
    main()
except SystemExit as end:
    print("LOADED", *sorted(sys.modules))
    sys.exit(end.code)
"""


def loaded(*arguments: str) -> tuple[str, set[str]]:
    """What ``bitbrat ARGUMENTS`` prints in a process of its own, and the modules that it has loaded at its end."""
    run = subprocess.run([sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, check=True)
    said, _, names = run.stdout.partition("LOADED")
    return said, set(names.split())


def test_help_loads_no_heavy_module() -> None:
    """No model, no server, no database, no terminal art: only click and the names of the commands."""
    said, names = loaded("--help")

    assert "Commands:" in said
    assert names & set(HEAVY) == set()


def test_the_version_loads_no_heavy_module() -> None:
    """Nor does ``--version``."""
    said, names = loaded("--version")

    assert "0." in said
    assert names & set(HEAVY) == set()
