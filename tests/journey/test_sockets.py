"""A Unix socket of the callers: taken by one sidecar, refused to a second, gone with the first."""

import socket
from pathlib import Path

import pytest

from proxy.app import StartError
from tests.support.sidecar import sidecar

SIM = {"sim": {"base_url": "simulator"}}


async def test_a_second_sidecar_does_not_take_over_the_callers_socket(tmp_path: Path) -> None:
    path = tmp_path / "paysluice.sock"
    async with sidecar(SIM, listen=f"unix:{path}", socket_mode="0600"):
        inode = path.stat().st_ino
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(StartError, match="cannot start: "):
            async with sidecar(SIM, listen=f"unix:{path}"):
                raise AssertionError  # pragma: no cover
        assert path.stat().st_ino == inode
    assert not path.exists()


async def test_a_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:

    path = tmp_path / "paysluice.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with sidecar(SIM, listen=f"unix:{path}"):
        assert path.is_socket()
