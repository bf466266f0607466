"""A caller that takes its answer as slowly as it is told to, over TCP or TLS, in a thread."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import trustme

from tests.support.sidecar import Sidecar

RECEIVED_BYTES = 4096  # what the kernel keeps for it: the least there is


class Taker:
    """One blocking connection. Its methods are for a thread; `taker` closes it."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        plain.settimeout(10)
        plain.connect(("127.0.0.1", port))
        self.own = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")

    def ask(self, raw: bytes) -> bytes:
        """Send a request, and give the first bytes of its answer."""
        self.own.sendall(raw)
        return self.own.recv(1000)

    def take_all(self, bytes_per_s: int, for_s: float = 30.0) -> int:
        """Read steadily, for *for_s* at most or to the end; give how many bytes came."""
        taken, until = 0, time.monotonic() + for_s
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < until and (data := self.own.recv(20_000)):
                taken += len(data)
                time.sleep(len(data) / bytes_per_s)
        return taken

    def push(self, raw: bytes) -> None:
        """Send *raw* again and again, reading nothing, until it is cut off."""
        with contextlib.suppress(OSError):
            while True:
                self.own.sendall(raw)


@contextlib.asynccontextmanager
async def taker(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Taker]:
    one = await asyncio.to_thread(Taker, port, tls)
    try:
        yield one
    finally:
        one.own.close()


class CallersTls:
    """A certificate for `listen_tls`, and what trusts it."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        own = folder / "own.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(own)
        self.trusting = ssl.create_default_context()
        authority.configure_trust(self.trusting)
        self.listen_tls = {"cert": str(own), "key": str(own)}


def owed(proxy: Sidecar) -> int:
    """Give how many callers are owed an answer."""
    assert proxy.app._doors is not None
    return proxy.app._doors.owed


async def until_nobody_is_owed(proxy: Sidecar) -> None:
    async with asyncio.timeout(5):
        while owed(proxy):  # noqa: ASYNC110 - only the sidecar knows
            await asyncio.sleep(0.005)
