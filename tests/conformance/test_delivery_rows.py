"""Where an attempt fails before the first byte: nothing was handed over, and it says so."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from proxy.terms import Answered, Failed, ProxyError, Refused
from tests.attempt import conftest
from tests.attempt.conftest import MakeLeg
from tests.conformance.addresses import HOST, Resolver, black_hole, dead_port
from tests.conformance.counting import NOT_SENT, Counter, failed
from tests.support.raw import RawProvider, answer

leg = conftest.leg

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
BOUNDS = pytest.mark.parametrize("bound", ["own", "attempt"])


def bounded(bound: str, phase: str) -> dict[str, str]:
    """Give a short time to the phase, or to the whole attempt, and much to all else."""
    return {"attempt": "5s", bound if bound == "attempt" else phase: "40ms"}


@pytest.mark.item(8)
async def test_nothing_is_sent_to_an_address_that_refuses(leg: MakeLeg) -> None:
    async with leg(dead_port()) as one:
        failed(await one.send(), ProxyError.CONNECTION_REFUSED, NOT_SENT)


@pytest.mark.item(8)
async def test_nothing_is_sent_to_a_name_that_is_unknown(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RawProvider([answer()]) as provider, leg(provider.port, host=HOST) as one:
        Resolver().install(monkeypatch)
        failed(await one.send(), ProxyError.DNS_ERROR, NOT_SENT)
        assert provider.connections == 0


@pytest.mark.item(8)
@BOUNDS
async def test_nothing_is_sent_while_the_resolver_does_not_answer(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    resolver = Resolver(["127.0.0.1"])
    resolver.may_answer.clear()
    async with (
        RawProvider([answer()]) as provider,
        leg(provider.port, host=HOST, **bounded(bound, "dns")) as one,
    ):
        resolver.install(monkeypatch)
        failed(await one.send(), ProxyError.DNS_TIMEOUT, NOT_SENT)
        assert provider.connections == 0


@pytest.mark.item(8)
@BOUNDS
async def test_nothing_is_sent_to_an_address_that_swallows_everything(
    leg: MakeLeg, bound: str
) -> None:
    with black_hole() as port:
        async with leg(port, **bounded(bound, "connect")) as one:
            failed(await one.send(), ProxyError.CONNECTION_TIMEOUT, NOT_SENT)


@pytest.mark.item(8)
@BOUNDS
async def test_nothing_is_sent_while_the_pool_is_full(leg: MakeLeg, bound: str) -> None:
    busy = {"connections": {"max": 1}, **bounded(bound, "pool")}
    seen = Counter()
    async with (
        RawProvider([answer()], before_read=seen) as provider,
        leg(provider.port, **{"pool": "5s", **busy}) as one,
    ):
        lent = await one.pool.acquire(asyncio.get_running_loop().time() + 5, is_repeatable=True)
        outcome = await one.send()
        failed(outcome, ProxyError.CONNECTION_LIMIT_REACHED, NOT_SENT)
        assert outcome.attempts == 0
        one.pool.discard(lent, "test")
        assert seen.data == b""


@dataclass
class Owned:
    """A provider whose socket the test holds itself, to close it between two steps of the loop."""

    listener: socket.socket

    async def accept(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        connected, _ = await loop.sock_accept(self.listener)
        return connected

    async def serve(self, connected: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        request = b""
        while not request.endswith(b"{}"):
            request += await loop.sock_recv(connected, 4096)
        await loop.sock_sendall(connected, HEAD + b"first")


async def unread(connected: socket.socket) -> bytes:
    """Give what was sent and not read; a reset comes after all that was sent before it."""
    with contextlib.suppress(ConnectionResetError):
        return await asyncio.get_running_loop().sock_recv(connected, 4096)
    return b""


def push(connected: socket.socket) -> None:
    connected.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")


IN_THE_KERNEL: dict[str, Callable[[socket.socket], Any]] = {
    "closed": socket.socket.close,
    "half_closed": lambda connected: connected.shutdown(socket.SHUT_WR),
    "answered_unasked": push,
}


@pytest.mark.item(8, 12)
@pytest.mark.parametrize("what", IN_THE_KERNEL)
@pytest.mark.parametrize("body", [b"", b"{}"], ids=["no_body", "body"])
async def test_a_connection_that_died_unnoticed_is_not_written_to(
    leg: MakeLeg, what: str, body: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        owned = Owned(listener)
        async with leg(listener.getsockname()[1]) as one, asyncio.timeout(5):
            first = asyncio.ensure_future(one.send(body=b"{}"))
            connected = await owned.accept()
            await owned.serve(connected)
            assert isinstance(await first, Answered)
            assert (one.pool.idle, one.pool.busy) == (1, 0)

            async def die() -> bool:
                # Nothing is awaited from here to the first byte: the loop cannot have noticed.
                IN_THE_KERNEL[what](connected)
                listener.close()
                return True

            outcome = await one.send(body=body, before_first_byte=die)
            failed(outcome, ProxyError.CONNECTION_REFUSED, NOT_SENT)
            if what != "closed":
                assert await unread(connected) == b""
                connected.close()


@pytest.mark.item(8)
async def test_a_deadline_that_passes_before_the_first_byte_sent_nothing(leg: MakeLeg) -> None:
    seen = Counter()
    async with RawProvider([answer()], before_read=seen) as provider, leg(provider.port) as one:
        outcome = await one.send(deadline=asyncio.get_running_loop().time())
        assert isinstance(outcome, Failed | Refused)
        assert (outcome.delivery, outcome.effect) == NOT_SENT
        assert seen.data == b""
