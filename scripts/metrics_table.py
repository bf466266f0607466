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


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{PAGE.name} has no place for the table", file=sys.stderr)
        return 2
    written = before + begin + rendered() + end + after
    if "--check" in sys.argv[1:]:
        return int(written != page)
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
