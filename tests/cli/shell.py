"""Runs the real ``bitbrat`` command, in folders of its own, with none of this shell's settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BITBRAT = Path(sys.executable).with_name("bitbrat")
SECONDS = 60.0


@dataclass
class Ran:
    """How a command ended: exit code, output, errors."""

    code: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    """This shell's environment without what BitBrat would read in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BITBRAT_", "NO_COLOR", "FORCE_COLOR"))}
    return {**kept, **changes}


def bitbrat(*arguments: str | bytes, cwd: Path, stdin: bytes | None = None, **settings: str) -> Ran:
    """Run it to its end."""
    run = subprocess.run(
        [os.fsencode(BITBRAT), *(os.fsencode(one) for one in arguments)],
        cwd=cwd,
        env=environment(**settings),
        input=stdin if stdin is not None else b"",
        capture_output=True,
        timeout=SECONDS,
    )
    return Ran(run.returncode, run.stdout.decode(), run.stderr.decode())


class Staying:
    """A command that stays until it is told to go; ``lines`` is what it has said until it was ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def until(self, text: str) -> str:
        """Read its output up to the line that holds ``text``."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"it ended with {self.process.wait()} before it said {text!r}: {''.join(self.lines)}")

    def end(self, number: int = signal.SIGTERM, *, seconds: float = 30.0) -> int:
        """Send a signal and wait for the end: the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def staying(*arguments: str, cwd: Path, **settings: str) -> Iterator[Staying]:
    """Start a command, errors with its output; it does not outlive the block."""
    process = subprocess.Popen(
        [str(BITBRAT), *arguments],
        cwd=cwd,
        env=environment(PYTHONUNBUFFERED="1", **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Staying(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def four_parts(err: str) -> dict[str, str]:
    """The parts of an error by name; ``error`` is its first line."""
    found: dict[str, Any] = {}
    for line in err.splitlines():
        if line.startswith("error: "):
            found["error"] = line.removeprefix("error: ")
        elif line[:2] == "  " and line[2:8].split():
            name, _, text = line[2:].partition(" ")
            found.setdefault(name, text.strip())
    return found
