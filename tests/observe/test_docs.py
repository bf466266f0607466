"""The operator's pages name what there is."""

from pathlib import Path

from proxy.observe import families
from proxy.observe.families import GAUGES, PREFIX, Family
from proxy.observe.log import MEMBERS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_metrics_has_each_with_its_labels() -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    named = [family for family in vars(families).values() if isinstance(family, Family)]
    for family in [*named, *GAUGES.values()]:
        row = next(line for line in page.splitlines() if f"`{PREFIX}{family.name}`" in line)
        assert f"| {', '.join(family.labels)} | {family.help} |" in row


def test_the_page_of_logs_lists_every_member() -> None:
    page = (DOCS / "logs.md").read_text(encoding="utf-8")
    assert " ".join(f"`{name}`" for name in MEMBERS) in page
