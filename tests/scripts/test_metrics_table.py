"""docs/metrics.md says of each metric what the code makes of it."""

import re

from proxy.observe import Metrics
from proxy.observe.families import GAUGES, PREFIX
from proxy.terms import Sample
from tests.scripts.load import ROOT, script

table = script("metrics_table")


def test_the_table_of_metrics_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    written = page.partition(table.BEGIN)[2].partition(table.END)[0]
    assert written == table.rendered(), "run: python scripts/metrics_table.py"


def test_each_type_is_the_one_that_prometheus_is_told() -> None:
    metrics = Metrics("1", lambda *_: False, lambda _: None)
    metrics.add_gauges(
        lambda: [Sample(name, ("x",) * len(each.labels), 0.0) for name, each in GAUGES.items()]
    )
    told = dict(re.findall(r"^# TYPE (\S+) (\w+)$", metrics.render("")[0].decode(), re.MULTILINE))
    said = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", table.rendered(), re.MULTILINE))
    assert told == said
    assert all(name.startswith(PREFIX) for name in said)
