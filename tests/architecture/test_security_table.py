"""The table of security demands: tests that exist and run hold each line, and no risk and no chapter is missing."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from demands import DOCUMENT, ROOT, demands

SUITE = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"])
TESTS = sorted({test for demand in demands() for test in demand.tests})
RISKS = {f"API{number}" for number in range(1, 11)}
CHAPTERS = {f"V{number}" for number in range(1, 18)}


@cache
def _functions(path: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


@pytest.mark.parametrize("test", TESTS)
def test_every_test_that_holds_a_demand_exists_and_is_run(test: str) -> None:
    path, _, name = test.partition("::")
    assert path.startswith(SUITE), "no suite runs it"
    function = _functions(ROOT / path)[name]
    marks = " ".join(ast.unparse(mark) for mark in function.decorator_list)
    assert not re.search(r"skip|xfail", marks), "it can't fail"


def test_every_line_of_the_tables_is_read() -> None:
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|") and "`" in line]
    assert len(lines) == len(demands()) > 100
    assert all(demand.tests for demand in demands())


def test_every_risk_and_every_chapter_has_a_demand_or_a_reason() -> None:
    held = {source for demand in demands() for source in re.findall(r"API\d+|V\d+", demand.sources)}
    reasons = DOCUMENT.read_text().partition("## What does not apply")[2].partition("## Known gaps")[0]
    assert RISKS - held == set()
    assert CHAPTERS - held - set(re.findall(r"\*\*(V\d+)", reasons)) == set()
