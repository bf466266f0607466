"""What a command printed, and a config for it to read."""

from pathlib import Path

import pytest

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture) -> tuple[str, str]:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.out, captured.err


def write(folder: Path, providers: str, top: str = "listen: 127.0.0.1:0\n") -> str:
    file = folder / "paysluice.yaml"
    file.write_text(f"{top}providers:\n{providers}")
    return str(file)
