"""NATS servers of our own: each on a free port, with a folder of its own, ended by its process id."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from tests import components

START_WITHIN = 20.0
_numbers = itertools.count(1)
_running: dict[str, NatsServer] = {}


class NatsServer:
    """One server process. ``url`` stays the same when it is started again."""

    def __init__(self, program: Path, *arguments: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bitbrat-nats-"))
        self.port = _free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._command = [program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.folder / "data", *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it; returns once it takes connections."""
        log = self.folder / f"log{next(_numbers)}"
        self._process = subprocess.Popen([*self._command, "-l", log])
        async with asyncio.timeout(START_WITHIN):
            while "Server is ready" not in (said := log.read_text() if log.exists() else ""):
                assert self._process.poll() is None, f"nats-server ended: {said}"
                await asyncio.sleep(0.01)

    def kill(self) -> None:
        """``kill -9``."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End our process, and wait for its end."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """End it and forget what it kept."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


async def shared(component: str = "nats") -> NatsServer:
    """The server that the tests of this process share; they keep apart by prefixes. Skips where there is none."""
    program = components.require(component, components.find(component))
    if component not in _running:
        server = NatsServer(program)
        await server.start()
        _running[component] = server
    return _running[component]


def new_prefix() -> str:
    """A prefix that no other test has."""
    return f"t{next(_numbers)}"


def stop_all() -> None:
    """End the shared servers."""
    while _running:
        _running.popitem()[1].remove()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
