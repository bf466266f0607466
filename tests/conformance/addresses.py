"""Addresses that nobody answers at, and a resolver that says what it is told to say."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop

HOST = "provider.test"  # reserved (RFC 6761): only the resolver below knows it


def dead_port(host: str = "127.0.0.1") -> int:
    """Give a port that nobody listens on: a connection to it is refused."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Give the port of a listener whose backlog is full: its kernel drops what else comes."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


@dataclass
class Resolver:
    """Stands in for the system's where `HOST` is asked for, and keeps what it was asked."""

    addresses: list[str] = field(default_factory=list)  # none: the name does not exist
    asked: list[str] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def resolve(self, host: str, port: int) -> list[Any]:
        self.asked.append(host)
        await self.may_answer.wait()
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [_info(address, port) for address in self.addresses]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        system = uvloop.Loop.getaddrinfo

        async def getaddrinfo(loop: uvloop.Loop, host: str, port: int, **more: Any) -> list[Any]:
            if host != HOST:  # uvloop asks for the address that it connects to, too
                return list(await system(loop, host, port, **more))
            return await self.resolve(host, port)

        monkeypatch.setattr(uvloop.Loop, "getaddrinfo", getaddrinfo)


def _info(address: str, port: int) -> Any:
    kind, protocol = socket.SOCK_STREAM, socket.IPPROTO_TCP
    if ":" in address:
        return socket.AF_INET6, kind, protocol, "", (address, port, 0, 0)
    return socket.AF_INET, kind, protocol, "", (address, port)
