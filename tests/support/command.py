"""What a command printed, and a config for it to read."""

from pathlib import Path

import pytest

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture) -> tuple[str, str]:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.out, captured.err


def unroutable_profile(folder: Path) -> str:
    """Write a profile whose route, on line 3, no request could match."""
    file = folder / "own.yaml"
    file.write_text(
        "{version: 1, name: own, title: Own, sources: {}, routes: [\n"
        "  {name: ok, match: GET /a, effect: read, grade: assumed, evidence: 'https://x.example'},\n"
        "  {name: no, match: 'GET /a{b}c', effect: read, grade: assumed,\n"
        "   evidence: 'https://x.example'}]}\n"
    )
    return str(file)


def write(folder: Path, providers: str, top: str = "listen: 127.0.0.1:0\n") -> str:
    file = folder / "paysluice.yaml"
    file.write_text(f"{top}providers:\n{providers}")
    return str(file)
