"""The mutation tester changes what is behaviour and nothing else."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from tests.house.tree import ROOT


def _load() -> Any:
    spec = spec_from_file_location("mutations", ROOT / "tools" / "mutations.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["mutations"] = module
    spec.loader.exec_module(module)
    return module


mutations: Callable[[ast.Module], list[Any]] = _load().mutations


def mutated(source: str) -> list[str]:
    """Every mutant of ``source``, as source, in order."""
    tree = ast.parse(source)
    return [ast.unparse(mutation.apply(tree)) for mutation in mutations(tree)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a <= b", "a >= b"]),
        ("a is None", ["a is not None"]),
        ("a in b", ["a not in b"]),
        ("a and b", ["a or b", "b", "a"]),
        ("not a", ["a"]),
        ("a + b", ["a - b"]),
        ("A | B", ["A", "B"]),
        ("x = 3", ["x = 4", "x = 2"]),
        ("x = True", ["x = False"]),
        ("x = None", ["x = 'mutated'"]),
        ("x = 'OK'", ["x = 'OKmutated'", "x = ''"]),
        ("a if b else c", ["c if b else a"]),
        ("if a:\n    b", ["if not a:\n    b"]),
        ("x = f'{a}:{b}'", ["x = f'{a}:mutated{b}'"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_kind_of_decision_is_changed(source: str, expected: list[str]) -> None:
    """One change at a time."""
    assert mutated(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "'A docstring.'",
        "def f(a: 'int') -> 'str':\n    'Says.'",
        "x = f'the step {a} failed'",
        "class E(Enum):\n    A = 'text'",
        "R = Literal['a']",
    ],
)
def test_what_is_for_readers_is_left_alone(source: str) -> None:
    """Docstrings, annotations, sentences, and the texts of enum members."""
    assert mutated(source) == []


def test_a_cell_becomes_what_else_stands_in_its_column() -> None:
    """Tables at module level are mutated by column."""
    names = [mutation.key for mutation in mutations(ast.parse("T = {A: Row(x, y), B: Row(x, z)}"))]

    assert names == ["T[A] column 2: y -> z", "T[B] column 2: z -> y"]


def test_the_names_of_mutants_are_unique_and_stay_when_lines_move() -> None:
    """A reason in the list of equivalents goes with one mutant."""
    source = (ROOT / "bitbrat" / "slip.py").read_text(encoding="utf-8")

    names = [mutation.key for mutation in mutations(ast.parse(source))]

    assert len(set(names)) == len(names)
    assert names == [mutation.key for mutation in mutations(ast.parse("\n\n" + source))]
