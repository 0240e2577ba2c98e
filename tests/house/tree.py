"""The repository as its files: which there are, and what each module imports."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {".git", ".venv", "build", "dist", "__pycache__"}


@cache
def files() -> tuple[Path, ...]:
    """Every text file that is, or is about to be, in the repository; without git, every file that no tool has made."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not LEFT_OUT & set(path.relative_to(ROOT).parts)]
    return tuple(path for path in sorted(found) if path.is_file() and is_text(path))


def is_text(path: Path) -> bool:
    """Whether there is no zero byte near the beginning."""
    return b"\0" not in path.read_bytes()[:4096]


def name_of(path: Path) -> str:
    """The path as one writes it, relative to the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def modules() -> dict[str, Path]:
    """The modules of ``bitbrat`` and ``services``, by their dotted names."""
    found = {}
    for path in files():
        if path.suffix == ".py" and name_of(path).startswith(("bitbrat/", "services/")):
            found[name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")] = path
    return found


@cache
def imports(module: str) -> tuple[str, ...]:
    """What ``module`` imports at run time, as dotted names; an import that only the type checker sees is left out."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    return tuple(sorted({name for node in _seen(tree) for name in _names(node)}))


def _seen(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _seen(child)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, *packages: str) -> bool:
    """Whether the dotted ``name`` is one of ``packages`` or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)
