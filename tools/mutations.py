"""Every small change to a module that a test of its behaviour should notice.

One mutation at a time, on the syntax tree: comparisons, ``and``/``or``/``not``, conditions, arithmetic, ``A | B`` in type checks,
numbers, words, True, False and None, and each cell of a table at module level (replaced by what else stands in its column).
Not behaviour, so left alone: docstrings, annotations, the texts of enum members, sentences in f-strings.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
Path = tuple[Any, ...]


@dataclass(frozen=True)
class Mutation:
    """A change: the place in the tree, what stands there afterwards, and how a reader would name both."""

    path: Path
    node: ast.AST
    line: int
    where: str
    change: str

    @property
    def key(self) -> str:
        """The name of this mutation, which survives a shift of lines."""
        return f"{self.where}: {self.change}"

    def apply(self, tree: ast.Module) -> ast.Module:
        """A copy of ``tree`` with this change in it."""
        changed = copy.deepcopy(tree)
        parent: Any = changed
        for part in self.path[:-1]:
            parent = parent[part] if isinstance(part, int) else getattr(parent, part)
        if isinstance(parent, list):
            parent[self.path[-1]] = copy.deepcopy(self.node)
        else:
            setattr(parent, self.path[-1], copy.deepcopy(self.node))
        return ast.fix_missing_locations(changed)


def mutations(tree: ast.Module) -> list[Mutation]:
    """All mutations of ``tree``, in the order of its lines; a name that comes twice gets a number."""
    seen: dict[str, int] = {}
    found = []
    for path, old, new, where in [*_cells(tree), *_walk(tree, (), "module", tree)]:
        change = f"{_context(tree, path)}{_shown(old)} -> {_shown(new)}"
        times = seen[where + change] = seen.get(where + change, 0) + 1
        change += f" #{times}" if times > 1 else ""
        found.append(Mutation(path, ast.copy_location(copy.copy(new), old), getattr(old, "lineno", 0), where, change))
    return sorted(found, key=lambda mutation: mutation.line)


def _context(tree: ast.Module, path: Path) -> str:
    """What stands around a constant, which alone would say little."""
    node: Any = tree
    around: Any = None
    for part in path:
        if isinstance(node, ast.expr | ast.keyword):
            around = node
        node = node[part] if isinstance(part, int) else getattr(node, part)
    text = _shown(around) if isinstance(node, ast.Constant) and around is not None else ""
    return f"in {text}: " if len(text) < 80 and text else ""


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 110 else f"{text[:70]} … {text[-38:]}"


Site = tuple[Path, ast.AST, ast.AST, str]


def _walk(node: ast.AST, path: Path, where: str, parent: ast.AST) -> Iterator[Site]:
    """The mutations of ``node`` and of everything in it."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = node.name if where == "module" else f"{where}.{node.name}"
    elif where == "module" and isinstance(node, ast.Assign | ast.AnnAssign):
        where = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    for new in _changes(node, parent):
        yield path, node, new, where
    for name, value in ast.iter_fields(node):
        if _is_silent(node, name):
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if isinstance(child, ast.AST) and not _is_text(node, name, child):
                step: Path = (name, index) if isinstance(value, list) else (name,)
                yield from _walk(child, (*path, *step), where, node)


def _is_silent(node: ast.AST, field: str) -> bool:
    """Whether nothing under this field of ``node`` is behaviour."""
    if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id == "Enum" for base in node.bases):
        return True
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in ("Literal", "dict", "type", "tuple"):
        return True
    return field in ("annotation", "returns", "names", "ctx", "decorator_list", "bases")


def _is_text(node: ast.AST, field: str, child: ast.AST) -> bool:
    """Whether ``child`` is for readers: a docstring, or a sentence with values in it."""
    if isinstance(node, ast.Expr) and isinstance(child, ast.Constant):
        return True
    if isinstance(child, ast.FormattedValue):
        return isinstance(node, ast.JoinedStr) and _is_sentence(node)
    return isinstance(node, ast.JoinedStr) and _is_sentence(node)


def _is_sentence(node: ast.JoinedStr) -> bool:
    return any(isinstance(part, ast.Constant) and " " in str(part.value) for part in node.values)


def _changes(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    """What ``node`` itself can become."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=comparators):
            for other in COMPARED[type(op)]:
                yield ast.Compare(left, [other()], comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield left
            yield right
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield ast.BinOp(left, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), right)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.If(test=test, body=body, orelse=orelse) if not isinstance(test, ast.Compare | ast.UnaryOp):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Constant(value=None) if isinstance(parent, ast.Compare):
            return  # the comparison itself is turned round
        case ast.Constant(value=value):
            for other in _values(value, in_text=isinstance(parent, ast.JoinedStr)):
                yield ast.Constant(other)


def _values(value: object, *, in_text: bool) -> tuple[object, ...]:
    """What a constant can become."""
    match value:
        case bool():
            return (not value,)
        case None:
            return ("mutated",)
        case int():
            return (value + 1, value - 1)
        case str() if in_text:
            return (value + "mutated",)
        case str():
            return (value + "mutated", "")[: 2 if value else 1]
    return ()


def _cells(tree: ast.Module) -> Iterator[Site]:
    """The cells of the tables: each value of a dict at module level, column by column, becomes the column's other values."""
    for index, statement in enumerate(tree.body):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Dict):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            yield from _rows(statement.value, ("body", index, "value"), ast.unparse(target))


def _rows(table: ast.Dict, path: Path, name: str) -> Iterator[Site]:
    columns: dict[int, dict[str, ast.AST]] = {}
    cells: list[tuple[int, Path, ast.AST, str]] = []
    for row, (key, value) in enumerate(zip(table.keys, table.values, strict=True)):
        where = f"{name}[{ast.unparse(key) if key else '**'}]"
        parts = list(enumerate(value.args)) if isinstance(value, ast.Call) else [(0, value)]
        for column, cell in parts:
            inside: Path = ("args", column) if isinstance(value, ast.Call) else ()
            columns.setdefault(column, {})[ast.unparse(cell)] = cell
            cells.append((column, (*path, "values", row, *inside), cell, f"{where} column {column + 1}"))
    for column, where_in_tree, cell, label in cells:
        for text, other in columns[column].items():
            if text != ast.unparse(cell):
                yield where_in_tree, cell, other, label
