"""The gate opens for what is covered, and for nothing else."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.scripts.load import ROOT, script

gate = script("coverage_gate")

PYPROJECT = """
[tool.coverage.run]
branch = true
source = ["toy"]
[[tool.importlinter.contracts]]
name = "Decisions are pure: no loop"
source_modules = ["toy.decide"]
"""
DECIDE = """
def sign(n):
    if n > 0:
        word = "plus"
    else:
        word = "minus"
    return word

def bound(n):
    if n > 9:
        n = 9
    return n
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/__init__.py").write_text("")
    (tmp_path / "toy/decide.py").write_text(dedent(DECIDE))
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def run(folder: Path, calls: str) -> None:
    (folder / "play.py").write_text(f"from toy.decide import bound, sign\n{calls}\n")
    subprocess.run(
        [sys.executable, "-m", "coverage", "run", "play.py"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        check=True,
    )


def judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], total: float
) -> tuple[int, str]:
    monkeypatch.chdir(folder)  # the report names files relative to the folder it is made in
    return gate.main(folder, total), "".join(capsys.readouterr())


def test_what_is_covered_passes(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(toy, "sign(1), sign(-1), bound(10), bound(1)")
    code, told = judged(toy, monkeypatch, capsys, 100.0)
    assert code == 0
    assert "1 pure modules, in total 100.00 %" in told


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ("sign(1), bound(10), bound(1)", "toy/decide.py: 6 (pure: needs 100 %)"),
        ("sign(1), sign(-1), bound(10)", "toy/decide.py: 10->12 (pure: needs 100 %)"),
    ],
)
def test_a_line_or_a_branch_that_no_test_takes_is_named(
    toy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: str,
    told: str,
) -> None:
    run(toy, calls)
    code, printed = judged(toy, monkeypatch, capsys, 0.0)
    assert code == 1
    assert told in printed


def test_a_total_that_is_too_low_fails_and_names_the_rest(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy / "toy/rest.py").write_text("a = 1\nb = 2\n")
    run(toy, "sign(1), sign(-1), bound(10), bound(1)")
    code, told = judged(toy, monkeypatch, capsys, 95.0)
    assert code == 1
    assert "toy/rest.py: 1-2\n" in told
    assert "in total 8" in told


def test_no_measurement_fails(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(toy, monkeypatch, capsys, 0.0)[0] == 1


def test_a_module_that_was_never_measured_fails() -> None:
    report: dict[str, Any] = {"files": {}, "totals": {"percent_covered": 100.0}}
    (fault,) = gate.judge(report, ["toy.decide"], 95.0)
    assert "toy.decide: the report has no file" in fault


def test_the_pure_modules_of_this_project_all_exist() -> None:
    modules = gate.pure_modules((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {"proxy.terms", "proxy.retry.decide", "proxy.ledger.keys"} <= set(modules)
    files = [str(file.relative_to(ROOT)) for file in (ROOT / "proxy").rglob("*.py")]
    for module in modules:
        assert any(gate.is_within(file, module) for file in files), module


def test_without_the_contract_there_is_no_list() -> None:
    with pytest.raises(LookupError, match="Decisions are pure"):
        gate.pure_modules("[tool.importlinter]\ncontracts = []\n")
