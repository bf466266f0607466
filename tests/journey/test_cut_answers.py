"""An answer that is cut looks cut, whatever ends it; one that need not be cut is whole."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.caller import caller, head
from tests.support.log import lines
from tests.support.raw import Connected, RawProvider, Step
from tests.support.sidecar import provider, sidecar
from tests.support.taker import CallersTls
from tests.support.world import World, world

OLD = b"GET /acme/x HTTP/1.0\r\nHost: paysluice\r\n\r\n"
PIECE = b"x" * 100_000


async def breaks_off(connected: Connected) -> None:
    """Begin an answer without an end of its own, and reset the connection in it."""
    connected.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(20):
        connected.writer.write(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
        await connected.writer.drain()
    connected.reset()


async def never_ends(connected: Connected) -> None:
    connected.writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + PIECE)
    await connected.reader.read()


async def rest_of(here: World) -> bytes:
    async with caller(here.proxy.port) as one:
        await one.send(OLD)
        return await one.rest()


async def test_an_answer_that_ends_with_its_connection_is_reset_where_it_is_cut() -> None:
    """Over HTTP/1.0 a clean end would say that this is all (RFC 9112 section 8)."""
    async with world(breaks_off) as here:
        with pytest.raises(ConnectionResetError):
            await rest_of(here)
        assert lines(here.proxy, "responded")[0]["is_whole"] is False


async def test_so_it_is_where_the_process_ends() -> None:
    live = {"timeouts": {"body_idle": "5s"}}
    drain = {"delay": "0ms", "timeout": "50ms"}
    async with world(never_ends, acme=live, drain=drain) as here, caller(here.proxy.port) as one:
        await one.send(OLD)
        await one.reader.readuntil(b"\r\n\r\n")
        await here.proxy.app.drain()
        with pytest.raises(ConnectionResetError):
            await one.rest()
        assert lines(here.proxy, "responded")[0]["is_whole"] is False


SIZE = 3_000_000
UPLOAD = 9_000_000
SMALL = 65_536  # what the kernel keeps for the provider: loopback's own buffers would hide a stop


async def begin(connected: Connected, status: bytes) -> None:
    """Take the head of a request, and begin an answer before its body has come."""
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        own = connected.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, option, SMALL)
    await connected.reader.readuntil(b"\r\n\r\n")
    head_of_answer = b"HTTP/1.1 %b X\r\nContent-Length: %d\r\n\r\n"
    connected.writer.write(head_of_answer % (status, SIZE))
    for _ in range(SIZE // len(PIECE)):
        connected.writer.write(PIECE)
        await connected.writer.drain()
    while await connected.reader.read(len(PIECE)):
        pass
    connected.close()


async def early_success(connected: Connected) -> None:
    await begin(connected, b"200")


async def early_error(connected: Connected) -> None:
    await begin(connected, b"422")


@pytest.mark.parametrize("step", [early_success, early_error])
@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])
async def test_a_large_answer_to_an_unfinished_upload_comes_whole(
    tmp_path: Path, step: Step, *, has_tls: bool
) -> None:
    """Who cannot write does not read: the answer goes on beside the upload, and is not cut."""
    own = CallersTls(tmp_path)
    members = {"listen_tls": own.listen_tls} if has_tls else {}
    async with (
        RawProvider([], before_read=step) as upstream,
        sidecar(
            {"acme": provider(upstream.port, errors={"mode": "passthrough"})}, **members
        ) as proxy,
        asyncio.timeout(8),
    ):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            proxy.port,
            ssl=own.trusting if has_tls else None,
            server_hostname="localhost" if has_tls else None,
        )
        uploading = asyncio.ensure_future(upload(writer))
        told = await reader.readuntil(b"\r\n\r\n")
        assert f"Content-Length: {SIZE}".encode() in told
        assert len(await reader.readexactly(SIZE)) == SIZE
        uploading.cancel()
        writer.transport.abort()


async def upload(writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        writer.write(head("POST /acme/x HTTP/1.1", f"Content-Length: {UPLOAD}"))
        for _ in range(UPLOAD // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()
