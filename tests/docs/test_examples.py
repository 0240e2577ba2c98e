"""Examples in the papers are run: Python through real hops, YAML through the rules that the router uses."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bitbrat import Service
from bitbrat.rules import load
from services.commands.reader import read_commands
from tests.docs.papers import Block, blocks

PYTHON = [block for block in blocks("python") if not block.named("test")]
RUN = [block for block in PYTHON if "no-run" not in block.words]
TESTS = blocks("python")
YAML = blocks("yaml")


def module_of(block: Block, name: str) -> ModuleType:
    """The block as a module that has been imported."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(block.text, str(block), "exec"), module.__dict__)  # noqa: S102 - our own papers
    return module


@pytest.mark.parametrize("block", RUN, ids=str)
def test_an_example_is_a_service_that_loads(block: Block) -> None:
    """It can be imported, and registers what it says."""
    module = module_of(block, f"paper_{block.line}")
    services = [value for value in vars(module).values() if isinstance(value, Service)]

    assert all(service.manifest().service == service.name for service in services)


@pytest.mark.parametrize("block", [block for block in blocks("python") if "no-run" in block.words], ids=str)
def test_an_example_that_is_a_part_is_python(block: Block) -> None:
    """What is only a part of a program can still be read as one."""
    compile(block.text, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("block", [block for block in TESTS if block.named("test")], ids=str)
def test_the_tests_of_an_example_pass(block: Block, tmp_path: Path) -> None:
    """What a page says that one should test holds for the step of the page."""
    step = next(one for one in PYTHON if one.paper == block.paper and one.named("file") == block.named("test"))
    sys.modules["steps"] = ModuleType("steps")
    module_of(step, f"steps.{block.named('test')}")
    module = module_of(block, "paper_tests")
    found = [value for name, value in vars(module).items() if name.startswith("test_")]

    for test in found:
        asyncio.run(test(**_given(test, tmp_path)))

    assert found


def _given(test: Any, tmp_path: Path) -> dict[str, Any]:
    return {"tmp_path": tmp_path} if "tmp_path" in inspect.signature(test).parameters else {}


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_in_a_paper_loads(block: Block) -> None:
    """Rules load without a problem and pass their own tests; commands load."""
    if block.paper.parent.name == "commands":
        read_commands({str(block): block.text})
        return
    rules = load(block.text, file=str(block))

    assert [result for result in rules.run_tests() if not result.passed] == []
