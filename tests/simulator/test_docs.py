"""The operator's page says of each fault what the table does."""

from pathlib import Path

from proxy.simulator import FAULTS

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_the_page_lists_every_fault_and_what_it_charges() -> None:
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    words = {False: "no", True: "yes"}
    expected = [
        f"| `{name}{f'={fault.seconds:g}' if fault.seconds else ''}` | {fault.does} "
        f"| {words[fault.charges]} | {words[fault.is_kept]} |"
        for name, fault in FAULTS.items()
    ]
    assert [row for row in rows if row.endswith(("| yes |", "| no |"))] == expected
