"""Write the table of all metrics into docs/metrics.md, from the code that makes them.

python scripts/metrics_table.py [--check]
"""

import sys
from pathlib import Path
from typing import Final

from proxy.observe import families
from proxy.observe.families import GAUGES, PREFIX, Family

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "metrics.md"
BEGIN: Final = "<!-- written by scripts/metrics_table.py -->\n"
END: Final = "<!-- to here -->\n"


def kind_of(family: Family) -> str:
    if family.name.endswith("_total"):
        return "counter"
    is_gauge = family in GAUGES.values() or family is families.BUILD_INFO
    return "gauge" if is_gauge else "histogram"


def row(family: Family) -> str:
    cells = [
        f"`{PREFIX}{family.name}`",
        kind_of(family),
        ", ".join(family.labels),
        family.help,
    ]
    return f"| {' | '.join(cells)} |"


def rendered() -> str:
    named = [each for each in vars(families).values() if isinstance(each, Family)]
    lines = ["| name | type | labels | tells |", "|---|---|---|---|"]
    lines += [row(family) for family in (*named, *GAUGES.values())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from written import write  # beside this file, which tests load by itself

    sys.exit(write(PAGE, BEGIN, END, rendered()))
