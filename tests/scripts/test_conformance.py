"""docs/conformance.md and the tests that carry `@pytest.mark.item` say the same."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.scripts.load import ROOT

PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
NUMBERS = {*range(1, 84), 86, 87, 99, 100, *range(113, 120)}


def rows() -> dict[int, str]:
    found = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert len({number for number, _ in found}) == len(found), "a number stands in two rows"
    return {int(number): text for number, text in found}


def marked() -> dict[int, set[str]]:
    tests: dict[int, set[str]] = defaultdict(set)
    for file in (ROOT / "tests").rglob("test_*.py"):
        for number, name in marks_of(file):
            tests[number].add(name)
    return tests


def marks_of(file: Path) -> list[tuple[int, str]]:
    return [
        (argument.value, node.name)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for mark in node.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.item"
        for argument in mark.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    ]


def test_every_item_has_its_row() -> None:
    assert set(rows()) == NUMBERS


def test_every_row_names_the_tests_that_carry_its_number_or_says_why_there_is_none() -> None:
    tests = marked()
    assert set(tests) <= NUMBERS
    for number, text in rows().items():
        named = set(re.findall(r"`(test_\w+)`", text))
        assert named == tests.get(number, set()), number
        assert named or "**Not done**" in text, number
