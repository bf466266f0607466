"""Every SDK that is installed for these tests has its row in docs/dependencies.md."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_sdk_has_its_row() -> None:
    rows = PAGE.partition("## Vendors' SDKs\n")[2].split("\n## ", 1)[0]
    named = set(re.findall(r"`([\w@/-]+)`", rows))
    wanted = {re.split(r"[^\w-]", line)[0] for line in EXTRAS["optional-dependencies"]["sdks"]}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted |= set(re.findall(r"'([@\w/-]+?)(?:>=|@\^)", makefile))
    assert wanted
    assert wanted <= named
