"""Make ``.venv`` ready: create it, install the lock with its hashes, install BitBrat itself in place.

Run by ``venv.sh`` with any Python 3.11 to 3.13, standard library only. A stamp keyed to the interpreter and the lock, written
last, makes the next run a matter of milliseconds and no network; a venv without a stamp was left half-built and is made anew.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("BITBRAT_VENV", ".venv")
STAMP = VENV / "bitbrat-stamp.json"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
TAKEN = re.compile(r"(?:Collecting|Requirement already satisfied:|Processing (?:\S*/)?)\s*([^/\s]+)")


def interpreter() -> str:
    """Which Python this is, the same from inside a venv as from outside it."""
    return f"{sys.version.split()[0]} {sys.base_prefix}"


def wanted(level: str) -> str:
    """The key of what ``level`` needs: the lock, and how BitBrat itself is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    own = [project["build-system"], project["project"], project["tool"]["setuptools"]]
    return hashlib.sha256(LOCKS[level].read_bytes() + json.dumps(own).encode()).hexdigest()


def stamp() -> dict[str, str]:
    """What the last complete build left behind; empty when there was none, or when the folder was moved since."""
    try:
        found: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if found.get("root") == str(ROOT) else {}


def is_ready(level: str, found: dict[str, str]) -> bool:
    """Whether nothing is to be done: the developers' lock holds all that running needs."""
    return any(found.get(have) == wanted(have) for have in {level, "dev"})


def create() -> None:
    """Make a bare venv from this interpreter, which must not be the venv's own."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        print(f"error: {sys.executable} cannot make a virtual environment", file=sys.stderr)
        print("  why  its ensurepip module is missing", file=sys.stderr)
        print(f"  fix  Debian and Ubuntu: apt-get install python3-venv (or python{version}-venv)", file=sys.stderr)
        raise SystemExit(1)
    print(f"making {VENV.name} with Python {sys.version.split()[0]}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([base_python(), "-m", "venv", str(VENV)], check=True)


def base_python() -> str:
    """The interpreter outside any venv, since a venv cannot make itself anew."""
    return str(getattr(sys, "_base_executable", sys.executable))


def pip_install(title: str, *arguments: str, total: int = 0) -> None:
    """Run pip in the venv with a line for each package; on failure show what pip said and stop."""
    print(title, flush=True)
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-input", "--progress-bar", "off", *arguments]
    environment = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environment) as pip:
        for line in pip.stdout or ():
            said.append(line)
            show(line, len([one for one in said if TAKEN.match(one)]), total)
    if pip.returncode:
        sys.stderr.writelines(said[-30:])
        print("error: pip could not install this; the next make starts over\n  why  see pip's last lines above", file=sys.stderr)
        raise SystemExit(1)


def show(line: str, done: int, total: int) -> None:
    """One line of progress for each package that pip takes in hand, and one for the long step after them."""
    if (found := TAKEN.match(line)) and total:
        print(f"  {done}/{total}  {found[1]}", flush=True)
    elif line.startswith("Installing collected packages"):
        print("  unpacking", flush=True)


def build(level: str, found: dict[str, str]) -> None:
    """Install the lock of ``level`` and BitBrat, and stamp the venv when all of it is there."""
    STAMP.unlink(missing_ok=True)
    lock = LOCKS[level]
    total = len(re.findall(r"(?m)^[a-zA-Z0-9]", lock.read_text(encoding="utf-8")))
    pip_install(f"installing {lock.name} ({total} packages at most)", "--require-hashes", "-r", str(lock), total=total)
    pip_install("installing BitBrat in place", "--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat", "-e", ".")
    kept = {have: key for have, key in found.items() if have in LOCKS and key == wanted(have)}
    marks = {**kept, "root": str(ROOT), "python": interpreter(), level: wanted(level)}
    STAMP.write_text(json.dumps(marks, indent=1) + "\n", encoding="utf-8")


def main(level: str, *, chosen: bool) -> None:
    """Bring ``.venv`` to ``level``; with ``chosen`` the venv must also be of this very interpreter."""
    found = stamp() if is_usable(chosen=chosen) else {}
    if is_ready(level, found):
        return
    if not found:
        create()
    build(level, found)


def is_usable(*, chosen: bool) -> bool:
    """Whether the venv's Python still runs, and is the chosen one: unless one was chosen, ``venv.sh`` tries the venv's own first."""
    if chosen:
        return (VENV / "bin" / "python").exists() and stamp().get("python") == interpreter()
    return Path(sys.prefix).resolve() == VENV.resolve()


if __name__ == "__main__":
    main(sys.argv[1], chosen="--chosen" in sys.argv)
