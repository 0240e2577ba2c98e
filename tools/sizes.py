"""How long files and functions are: a thermometer, not a law. Printed at the end of ``make check``."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent


def row(title: str, sizes: dict[str, int]) -> str:
    """Median, ninetieth percentile and the largest, with its name."""
    ordered = sorted(sizes.values())
    name, largest = max(sizes.items(), key=lambda item: item[1])
    most = ordered[len(ordered) * 9 // 10]
    return f"{title:<10} {len(ordered):>5}   median {median(ordered):>4.0f}   p90 {most:>4}   max {largest:>4}  {name}"


def main() -> None:
    """Print a row for files and one for functions of ``bitbrat`` and ``services``."""
    files: dict[str, int] = {}
    functions: dict[str, int] = {}
    for path in sorted([*(ROOT / "bitbrat").rglob("*.py"), *(ROOT / "services").rglob("*.py")]):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        files[name] = len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions[f"{name}:{node.lineno} {node.name}"] = (node.end_lineno or node.lineno) - node.lineno + 1
    print(row("files", files))
    print(row("functions", functions))


if __name__ == "__main__":
    main()
