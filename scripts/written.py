"""A part of a page that a script writes, between two comments of its own."""

import sys
from pathlib import Path


def write(page: Path, begin: str, end: str, part: str) -> int:
    """Put *part* between *begin* and *end*; with `--check` only tell whether it stands there.

    The exit code: 1 where it does not, 2 where the page has no such place.
    """
    text = page.read_text(encoding="utf-8")
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        print(f"{page.name} has no place for the table", file=sys.stderr)
        return 2
    written = before + begin + part + end + after
    if "--check" in sys.argv[1:]:
        return int(written != text)
    page.write_text(written, encoding="utf-8")
    return 0
