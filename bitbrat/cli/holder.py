"""Who holds a TCP port of this machine, as far as ``/proc`` tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTENING = "0A"
PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A process that listens: its id, its name, the words it was started with."""

    pid: int
    name: str
    command: str

    def __str__(self) -> str:
        shown = self.command if len(self.command) <= 80 else f"{self.command[:79]}…"
        return f'{self.name} (pid {self.pid}, "{shown}")'


def holder_of(port: int) -> Holder | None:
    """The process that listens on ``port``; None when it is not ours to see, or there is no ``/proc``."""
    inodes = set(_listening(port))
    if not inodes:
        return None
    return next((_holder(pid) for pid in _pids() if inodes & set(_sockets(pid))), None)


def _listening(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen there."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _pids() -> Iterator[int]:
    yield from (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def _sockets(pid: int) -> Iterator[str]:
    """The inodes of the sockets that a process has open."""
    try:
        entries = list((PROC / str(pid) / "fd").iterdir())
    except OSError:
        return
    for entry in entries:
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:["):
            yield target[8:-1]


def _holder(pid: int) -> Holder:
    return Holder(pid, _text(pid, "comm").strip() or "a process", " ".join(filter(None, _text(pid, "cmdline").split("\x00"))))


def _text(pid: int, name: str) -> str:
    try:
        return (PROC / str(pid) / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
