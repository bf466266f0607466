"""docs/README.md leads to every page, and has a page for every package."""

import re
from pathlib import Path

import pytest

from proxy.terms import ErrorCode
from tests.scripts.load import ROOT

DOCS = ROOT / "docs"
INDEX = (DOCS / "README.md").read_text(encoding="utf-8")
PAGES, _, PACKAGES = INDEX.partition("## Which page explains which package")
PARTS = {
    path.stem
    for path in (ROOT / "proxy").iterdir()
    if path.is_dir() or path.suffix == ".py"
    if not path.name.startswith("_")
}
# GitHub's way from a heading to its anchor.
_DROPPED = re.compile(r"[^\w\- ]")


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {_DROPPED.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_has_each_page_once() -> None:
    listed = re.findall(r"^\| \[([\w-]+)\]\(([\w-]+)\.md\) \| ", PAGES, re.MULTILINE)
    assert all(name == page for name, page in listed)
    there = sorted(page.stem for page in DOCS.glob("*.md") if page.name != "README.md")
    assert sorted(page for _, page in listed) == there


def test_each_package_has_its_page() -> None:
    rows = [line.split("|")[1] for line in PACKAGES.splitlines() if line.startswith("| `")]
    named = [name for row in rows[1:] for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(PARTS)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_every_link_into_a_page_leads_to_a_heading(page: Path) -> None:
    for target, anchor in re.findall(
        r"\]\(([\w./-]*\.md)?#([\w-]+)\)", page.read_text(encoding="utf-8")
    ):
        assert anchor in anchors(page.parent / target if target else page), f"{target}#{anchor}"


def test_each_error_code_says_what_it_means_and_what_to_do() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    for code in ErrorCode:
        (row,) = [
            line for line in page.splitlines() if line.startswith(f"| `{code}` | {code.status}")
        ]
        _, _, _, kind, meaning, deed, _ = (cell.strip() for cell in row.split("|"))
        assert kind == code.type
        assert meaning.endswith(".")
        assert deed.endswith(".")
