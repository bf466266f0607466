"""Callers whom the kernel has let in when a drain closes the address: they are served."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.caller import head
from tests.support.sidecar import Sidecar, sidecar
from tests.support.taker import CallersTls

SIM = {"sim": {"profile": "sim", "base_url": "simulator"}}
GET = head("GET /sim/payments?reference=none HTTP/1.1")


def close_the_door(proxy: Sidecar) -> None:
    assert proxy.app._doors is not None
    proxy.app._doors.stop_accepting()


async def told(late: socket.socket) -> bytes:
    late.settimeout(5)
    return await asyncio.to_thread(late.recv, 65_536)


# The loop does not turn between `connect` and the end: the kernel alone has taken these callers.


async def test_one_who_has_sent_a_request_is_answered() -> None:
    async with sidecar(SIM) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as late:
            late.sendall(GET)
            close_the_door(proxy)
            assert (await told(late)).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_one_of_a_unix_socket_is_answered(tmp_path: Path) -> None:
    path = str(tmp_path / "paysluice.sock")
    async with sidecar(SIM, listen=f"unix:{path}") as proxy:
        with socket.socket(socket.AF_UNIX) as late:
            late.connect(path)
            late.sendall(GET)
            close_the_door(proxy)
            assert (await told(late)).startswith(b"HTTP/1.1 200 ")


async def test_one_who_comes_over_tls_is_answered(tmp_path: Path) -> None:
    own = CallersTls(tmp_path)
    async with sidecar(SIM, listen_tls=own.listen_tls) as proxy:
        plain = socket.create_connection(("127.0.0.1", proxy.port))
        close_the_door(proxy)

        def speak() -> bytes:
            plain.settimeout(5)
            with own.trusting.wrap_socket(plain, server_hostname="localhost") as late:
                late.sendall(GET)
                return late.recv(65_536)

        assert (await asyncio.to_thread(speak)).startswith(b"HTTP/1.1 200 ")


async def test_one_who_speaks_no_tls_where_it_is_asked_for_is_let_go(tmp_path: Path) -> None:
    own = CallersTls(tmp_path)
    async with sidecar(SIM, listen_tls=own.listen_tls) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as late:
            late.sendall(GET)
            close_the_door(proxy)
            assert b"HTTP/1.1 200" not in await told(late)


async def test_many_are_answered_each_once() -> None:
    async with sidecar(SIM) as proxy:
        waiting = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(50)]
        for late in waiting:
            late.sendall(GET)
        draining = asyncio.ensure_future(proxy.app.drain())
        close_the_door(proxy)
        answers = [await told(late) for late in waiting]
        assert [each.count(b"HTTP/1.1 200 ") for each in answers] == [1] * 50
        for late in waiting:
            late.close()
        await draining
