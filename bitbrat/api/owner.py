"""Who owns the data of this folder: ``.bitbrat/api.json`` says where its API is, ``.bitbrat/token`` who may ask."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

FOLDER = Path(".bitbrat")
TOKEN, WHERE = "token", "api.json"


@dataclass(frozen=True)
class Owner:
    """A process that has the data open: where its API is, which process it is, what its bus and its store are."""

    url: str
    pid: int
    bus: str = ""
    store: str = ""

    @property
    def alive(self) -> bool:
        """Whether there is such a process (or one that came after it with the same number)."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            return True
        return True


def read_owner(folder: Path = FOLDER) -> Owner | None:
    """The process that has said it owns this folder's data, if it is still there."""
    try:
        found = json.loads((folder / WHERE).read_text(encoding="utf-8"))
        owner = Owner(str(found["url"]), int(found["pid"]), str(found.get("bus", "")), str(found.get("store", "")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return owner if owner.pid > 0 and owner.alive else None


def announce(owner: Owner, folder: Path = FOLDER) -> None:
    """Say where the API of this process is."""
    _write(folder / WHERE, json.dumps(vars(owner)))


def withdraw(pid: int, folder: Path = FOLDER) -> None:
    """Take the announcement back, if it is the one of ``pid``."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        if json.loads((folder / WHERE).read_text(encoding="utf-8"))["pid"] == pid:
            (folder / WHERE).unlink()


def read_token(folder: Path = FOLDER) -> str:
    """The token of this folder's API, or an empty string."""
    try:
        return (folder / TOKEN).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def make_token(folder: Path = FOLDER) -> str:
    """The token of this folder's API; made when there is none, readable by its owner only."""
    found = read_token(folder)
    if len(found) < 32:
        found = secrets.token_hex(32)
        _write(folder / TOKEN, found + "\n")
    else:
        os.chmod(folder / TOKEN, 0o600)
    return found


def place_of(url: str) -> str:
    """What two processes must share to have the same data: a file's real path, or the server; never a password."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return f"sqlite:{Path(unquote(parts.path)[1:]).expanduser().resolve()}"
    return f"{parts.scheme}:{parts.hostname or ''}:{parts.port or ''}{parts.path}"


def _write(path: Path, text: str) -> None:
    """Put the file there whole, for its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)
