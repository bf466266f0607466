"""`paysluice outcomes`: the payments whose outcome is or was not known, and a person's word."""

import json
import sys
from typing import Any, Final
from urllib.parse import quote, urlencode

from .main import NO
from .operator import Admin, OperatorError

_COLUMNS: Final = (
    ("id", "id"),
    ("age", "age_seconds"),
    ("provider", "provider"),
    ("route", "route"),
    ("account", "account"),
    ("amount", "amount"),
    ("currency", "currency"),
    ("reference", "reference"),
    ("key", "key_hash"),
    ("outcome", "outcome"),
)
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60))


def outcomes(admin: Admin, *, settled: bool, reference: str | None) -> int:
    """List them, the oldest first; *settled*: those that somebody has spoken of lately."""
    query = {"settled": "1"} if settled else {}
    if reference is not None:
        query["reference"] = reference
    try:
        found = json.loads(admin.get(f"/outcomes?{urlencode(query)}"))["outcomes"]
    except OperatorError as error:
        return _refuse(error)
    rows = [[_cell(each, name) for _, name in _COLUMNS] for each in found]
    _print_table([[title for title, _ in _COLUMNS], *rows] if rows else [])
    return 0


def show(admin: Admin, outcome_id: str) -> int:
    """Print one, with all that was said of it."""
    try:
        found = json.loads(admin.get(f"/outcomes/{quote(outcome_id, safe='')}"))
    except OperatorError as error:
        return _refuse(error)
    print(json.dumps(found, indent=2))  # noqa: T201
    return 0


def resolve(admin: Admin, outcome_id: str, said: str, note: str) -> int:
    """Say what became of one; 1 where that is refused."""
    path = f"/outcomes/{quote(outcome_id, safe='')}/resolve"
    try:
        result = admin.post(path, {"as": said, "note": note})["result"]
    except OperatorError as error:
        return _refuse(error)
    print(result)  # noqa: T201
    return 0


def export(admin: Admin) -> int:
    """Print those that are unknown as CSV."""
    try:
        text = admin.get("/outcomes?format=csv").decode()
    except OperatorError as error:
        return _refuse(error)
    sys.stdout.write(text)
    return 0


def _cell(outcome: dict[str, Any], name: str) -> str:
    value = outcome.get(name)
    if name == "age_seconds":
        return _age(float(value or 0))
    return "-" if value is None else str(value)


def _age(seconds: float) -> str:
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.1f}{unit}"
    return f"{seconds:.0f}s"


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(padded).rstrip())  # noqa: T201


def _refuse(error: OperatorError) -> int:
    print(f"paysluice: {error}", file=sys.stderr)  # noqa: T201
    return NO
