"""README, dependencies and code say the same."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from proxy.cli import run
from tests.scripts.load import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DEPENDENCIES = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(lines: list[str]) -> set[str]:
    return {canonical(re.split(r"[^\w.-]", line)[0]) for line in lines}


def listed(heading: str) -> set[str]:
    section = DEPENDENCIES.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {canonical(name) for row in rows for name in re.findall(r"`([^`]+)`", row)}


def imported() -> set[str]:
    found: set[str] = set()
    for file in (ROOT / "proxy").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"proxy"}


def test_the_readme_and_the_program_show_the_same_three_commands() -> None:
    printed = [line.format(url="http://127.0.0.1:8080") for line in run._LINES]
    assert len(printed) == 3
    shown = [line for line in README.splitlines() if line.startswith("curl -si ")]
    assert shown == printed


def test_every_dependency_has_its_row_and_every_row_is_one() -> None:
    assert listed("At run time") == required(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    own = [each for each in extras["dev"] if each != "paysluice[otel]"]  # its row is of its own
    assert listed("For development") == required(own)
    assert listed("For spans: the extra `otel`") == required(extras["otel"])
    deploy = listed("For the image and the manifests")
    assert deploy == required(PROJECT["optional-dependencies"]["deploy"])


def test_what_is_imported_is_required() -> None:
    owners = packages_distributions()
    needed = {canonical(owners[module][0]) for module in imported() - {"opentelemetry"}}
    assert needed <= required(PROJECT["dependencies"])


def test_what_is_required_and_not_imported_is_said_to_be_so() -> None:
    owners = packages_distributions()
    needed = {canonical(owners[module][0]) for module in imported()}
    for name in required(PROJECT["dependencies"]) - needed:
        (row,) = [line for line in DEPENDENCIES.splitlines() if line.startswith(f"| `{name}` ")]
        assert "not used by any code of this version" in row


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda page: page.name,
)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_leads_to_every_page() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in README, page.name
