"""A PostgreSQL server of a test run's own: own data, own socket folder, own free port, ended by its own tools.

PostgreSQL refuses to run as root; there it runs as the user that its package makes.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bitbrat.config.pg_url import PgAddress
from tests.components import Absent, postgres, require

SETTINGS = {
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "120",
    "max_prepared_transactions": "0",
    "log_min_messages": "fatal",
}
"""Nothing here loses its power, so nothing needs to reach the disk."""

_CLOCK = """
CREATE ROLE {name} LOGIN SUPERUSER;
CREATE SCHEMA {name} AUTHORIZATION {name};
ALTER ROLE {name} SET search_path = {path};
"""
_STILL = """
CREATE TABLE {name}.passed AS SELECT 0::float8 AS seconds;
CREATE FUNCTION {name}.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT timestamptz '{start}' + make_interval(secs => seconds) FROM {name}.passed $$;
"""
_numbers = itertools.count(1)


class PgServer:
    """One server. ``port`` is on loopback and on the socket in ``folder``."""

    def __init__(self, programs: Path, **settings: str) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="bbpg"))  # short: a socket's path has a limit
        self.folder.chmod(0o711)
        self.sockets = self.folder / "s"
        self.data = self.folder / "d"
        self.port = _free_port()
        self._as: dict[str, Any] = {"cwd": "/"}
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            self._as.update(user=owner.pw_uid, group=owner.pw_gid, extra_groups=[])
        for one in (self.sockets, self.data):
            one.mkdir(mode=0o700 if one is self.data else 0o755)
            if os.getuid() == 0:
                os.chown(one, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "bitbrat", "-E", "UTF8", "--locale=C", "-D", str(self.data))
        self._options = " ".join(f"-c {name}={value}" for name, value in {**SETTINGS, **settings}.items())
        self.start()

    def start(self) -> None:
        """Return once it answers."""
        options = f"-p {self.port} -k {self.sockets} -c listen_addresses=127.0.0.1 {self._options}"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.sockets / "log"), "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """End it: ``immediate`` is as a crash, ``fast`` ends sessions politely."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", how, "stop")

    def pid(self) -> int:
        """The server's process."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def remove(self) -> None:
        """End it and forget what it held."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def sql(self, script: str) -> None:
        """Run statements as the owner of everything."""
        where = ["-h", str(self.sockets), "-p", str(self.port), "-U", "bitbrat", "-d", "postgres"]
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *where, "-c", script)

    def corner(self, *, still_since: str = "", **options: Any) -> PgAddress:
        """Tables of one's own: a role with a schema. ``still_since``: its clock stands there until ``let_pass``.

        The clock is a function of the schema that stands before the database's own of the same name.
        """
        name = f"t{next(_numbers)}"
        script = _CLOCK + (_STILL if still_since else "")
        path = f"{name}, pg_catalog, public" if still_since else f"{name}, public"
        self.sql(script.format(name=name, path=path, start=still_since))
        return PgAddress(str(self.sockets), self.port, name, "postgres", **options)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server would hold a pipe open
            stderr=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            text=True,
            timeout=90,
            **self._as,
        )
        if done.returncode:
            log = self.sockets / "log"
            raise RuntimeError(f"{program}: {done.stderr or ''}{log.read_text()[-2000:] if log.exists() else ''}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


_shared: list[PgServer] = []


def here() -> bool:
    """Whether there is a PostgreSQL to be started."""
    return not isinstance(postgres(), Absent)


def shared() -> PgServer:
    """The server that the tests of this process share; they are skipped, or fail, where there is none."""
    programs = require("postgres", postgres())
    if not _shared:
        _shared.append(PgServer(programs))
    return _shared[0]


def stop_all() -> None:
    """End what this process has started."""
    while _shared:
        _shared.pop().remove()
