"""A bug that ends a process, or part of it, tells where it is, and nothing of what it met."""

import asyncio
import sys
from pathlib import Path

import pytest

from proxy.app.profiles import load_profiles
from proxy.settings import ConfigError, load, warnings
from tests.canaries.canaries import SPELLINGS, Eye
from tests.support.process import ROOT, environ

HERE = Path(__file__).parent
TEXT = "\n".join(SPELLINGS.values())


async def end_of(*command: str, **env: str) -> tuple[int, bytes]:
    """Run a command to its end; give its exit code and all that it wrote."""
    one = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=ROOT,
        env=environ(env) | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await one.communicate()
    assert one.returncode is not None
    return one.returncode, said


@pytest.mark.parametrize("bug", ["process", "thread", "collector", "task"])
async def test_a_bug_tells_where_it_is_and_no_text(bug: str) -> None:
    code, said = await end_of(f"{HERE}/crashing.py", bug, TEXT, "run")
    assert code == (1 if bug in {"process", "task"} else 0)
    assert b"a fault of ours: RuntimeError" in said
    assert b"crashing.py" in said
    assert Eye().sees(said) == []


async def test_of_what_lies_behind_a_bug_the_same_is_told() -> None:
    _, said = await end_of(f"{HERE}/crashing.py", "process", TEXT, "run")
    assert b"behind it: KeyError" in said


async def test_a_config_with_a_secret_in_the_wrong_place_repeats_none_of_it(tmp_path: Path) -> None:
    # What names a file is repeated (`profile`, `tls.ca`): no secret has a reason to stand there.
    for number, text in enumerate(SPELLINGS.values()):
        for place in (
            "listen: {!r}",
            "admin: {!r}",
            "{!r}: 1",
            "stores: {{ledger: {!r}}}",
            "stores: {{limits: {!r}}}",
            "stores: {{ledger_key: {!r}, max_answer: {!r}}}",
            "log: {{level: {!r}}}",
            "providers: {{acme: {{base_url: {!r}}}}}",
            "providers: {{acme: {{base_url: 'https://x', headers: {{A: {!r}, {!r}: b}}}}}}",
            "providers: {{acme: {{base_url: 'https://x', account: [{!r}]}}}}",
            "providers: {{acme: {{base_url: 'https://x', egress_proxy: {!r}}}}}",
            "providers: {{acme: {{base_url: 'https://x', timeouts: {{total: {!r}}}}}}}",
            "providers: {{acme: {{base_url: 'https://x', routes: [{{name: a, match: {!r}}}]}}}}",
            "providers: [{!r}",
        ):
            file = tmp_path / f"{number}.yaml"
            file.write_text(place.format(text, text))
            said = await asyncio.to_thread(checked, str(file))
            assert Eye().sees(said.encode()) == [], (place, said)


def checked(file: str) -> str:
    """Say what `paysluice check` says of a config: it and `run` read it with the same code."""
    try:
        settings = load(file, {})
        return "\n".join(map(str, warnings(settings, load_profiles(settings))))
    except ConfigError as error:
        return "\n".join(map(str, error.faults))
