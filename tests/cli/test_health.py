"""`paysluice health` against a sidecar that runs."""

import asyncio
from pathlib import Path

import pytest

from proxy.cli import main
from tests.support.command import Capture, told
from tests.support.payments import till
from tests.support.raw import RawProvider, answer


async def health(admin: str) -> int:
    return await asyncio.to_thread(main, ["health", "--admin", admin])


async def test_it_is_well_while_the_sidecar_is_ready(tmp_path: Path, capsys: Capture) -> None:
    async with till(tmp_path) as here:
        admin = f"http://127.0.0.1:{here.proxy.app.admin_port}"
        assert await health(admin) == 0
        assert told(capsys) == ("ready\n", "")
        here.proxy.app.state = "draining"
        assert await health(admin) == 1
        assert told(capsys) == ("", "paysluice: draining\n")


async def test_where_nobody_listens_it_says_so(capsys: Capture) -> None:
    assert await health("unix:/none") == 1
    out, err = told(capsys)
    assert (out, err.count("\n")) == ("", 1)
    assert "does not answer" in err


@pytest.mark.parametrize("body", [b"well", b"[]", b"{}"])
async def test_what_is_no_sidecar_is_not_well(body: bytes, capsys: Capture) -> None:
    async with RawProvider([answer(200, body)]) as other:
        assert await health(f"http://127.0.0.1:{other.port}") == 1
    assert "is no sidecar's" in told(capsys)[1]
