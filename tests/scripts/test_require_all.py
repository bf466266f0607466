"""What CI shows green has run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.load import ROOT

SKIPS = "import pytest\n\ndef test_needs_a_program():\n    pytest.skip('there is none')\n"


@pytest.mark.parametrize(("setting", "code"), [({}, 0), ({"REQUIRE_ALL": "1"}, 1)])
def test_a_skipped_test_fails_where_all_are_required(
    tmp_path: Path, setting: dict[str, str], code: int
) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_skips.py").write_text(SKIPS)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("COV", "PYTEST", "REQUIRE"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_skips.py"],
        cwd=tmp_path,
        env=kept | setting,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert ("there is none" in done.stdout) is bool(code)
