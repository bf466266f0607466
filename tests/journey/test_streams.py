"""Large bodies both ways: byte for byte, in bounded memory, as fast as the slower side."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bulk import BOUNDS, MIB, PIECE, SIZE
from tests.support.caller import Caller, caller, head
from tests.support.process import process
from tests.support.raw import Connected, RawProvider, answer
from tests.support.sidecar import provider, sidecar
from tests.support.world import world

LARGEST_GROWTH_KIB = 32 * 1024  # half of what goes through
STILL_S = 0.05


def digest(piece: bytes, size: int) -> str:
    whole = hashlib.sha256()
    for _ in range(size // len(piece)):
        whole.update(piece)
    return whole.hexdigest()


async def upload(one: Caller, *, is_chunked: bool) -> None:
    for _ in range(SIZE // len(PIECE)):
        await one.send(b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if is_chunked else PIECE)
    if is_chunked:
        await one.send(b"0\r\n\r\n")


async def body_pieces(one: Caller, framing: str) -> AsyncIterator[bytes]:
    """Give an answer's body as it comes, framing taken off."""
    if framing == "chunked":
        while size := int(await one.reader.readline(), 16):
            yield await one.reader.readexactly(size)
            await one.reader.readline()
        return
    left = SIZE
    while left and (piece := await one.reader.read(min(left, MIB))):
        left -= len(piece)
        yield piece
    if framing == "close":
        assert await one.reader.read() == b""


async def still(count: list[int]) -> int:
    """Wait until *count* does not grow any more, and give it."""
    async with asyncio.timeout(5.0):
        before = -1
        while count[0] != before or not count[0]:
            before = count[0]
            await asyncio.sleep(STILL_S)
    return before


@pytest.mark.item(38, 115)
async def test_64_mib_up_arrive_byte_for_byte_in_bounded_memory(tmp_path: Path) -> None:
    async with process(tmp_path, **BOUNDS) as one:
        async with caller(one.port) as here:
            before_kib = one.rss_kib()
            for framing in (f"Content-Length: {SIZE}", "Transfer-Encoding: chunked"):
                await here.send(head("POST /sim/_sim/upload HTTP/1.1", framing))
                await upload(here, is_chunked=framing.startswith("Transfer"))
                reply = await here.answer()
                assert reply.status == 200
                assert reply.json == {"bytes": SIZE, "sha256": digest(PIECE, SIZE)}
        assert one.rss_kib() - before_kib < LARGEST_GROWTH_KIB


async def until_close(connected: Connected) -> None:
    connected.writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(SIZE // len(PIECE)):
        connected.writer.write(PIECE)
        await connected.writer.drain()
    connected.close()


@pytest.mark.item(115)
async def test_64_mib_down_arrive_byte_for_byte_in_bounded_memory(tmp_path: Path) -> None:
    async with RawProvider([until_close]) as upstream:
        providers = {
            "sim": {"profile": "sim", "base_url": "simulator"},
            "acme": {"base_url": f"http://127.0.0.1:{upstream.port}"},
        }
        asked = {
            "length": f"/sim/_sim/bytes/{SIZE}",
            "chunked": f"/sim/_sim/bytes/{SIZE}?chunked=1",
            # Nobody says where it ends: chunked to a caller of HTTP/1.1.
            "close": "/acme/report",
        }
        async with process(tmp_path, providers=providers) as one:
            before_kib = one.rss_kib()
            for framing, target in asked.items():
                async with caller(one.port) as here:
                    await here.send(head(f"GET {target} HTTP/1.1"))
                    told = (await here.reader.readuntil(b"\r\n\r\n")).lower()
                    is_chunked = b"transfer-encoding: chunked" in told
                    assert is_chunked is (framing != "length")
                    whole = hashlib.sha256()
                    async for piece in body_pieces(here, "chunked" if is_chunked else framing):
                        whole.update(piece)
                    expected = PIECE if framing == "close" else b"x" * len(PIECE)
                    assert whole.hexdigest() == digest(expected, SIZE)
            assert one.rss_kib() - before_kib < LARGEST_GROWTH_KIB


@pytest.mark.item(16)
async def test_64_mib_to_a_caller_of_http_1_0_end_with_the_connection() -> None:
    async with (
        RawProvider([until_close]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(b"GET /acme/report HTTP/1.0\r\n\r\n")
        told = await here.reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in told.lower()
        whole = hashlib.sha256()
        async for piece in body_pieces(here, "close"):
            whole.update(piece)
        assert whole.hexdigest() == digest(PIECE, SIZE)


@pytest.mark.item(115)
async def test_a_caller_that_stops_reading_stops_the_provider() -> None:
    sent = [0]

    async def flood(connected: Connected) -> None:
        connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // len(PIECE)):
            connected.writer.write(PIECE)
            await connected.writer.drain()
            sent[0] += len(PIECE)

    async with (
        RawProvider([flood]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(head("GET /acme/report HTTP/1.1"))
        assert await still(sent) < SIZE // 2
        await here.reader.readuntil(b"\r\n\r\n")
        whole = hashlib.sha256()
        async for piece in body_pieces(here, "length"):
            whole.update(piece)
        assert whole.hexdigest() == digest(PIECE, SIZE)


@pytest.mark.item(115)
async def test_a_provider_that_stops_reading_stops_the_caller() -> None:
    written = [0]

    async def push(here: Caller) -> None:
        while True:
            await here.send(PIECE)
            written[0] += len(PIECE)

    async with (
        RawProvider([answer()], before_read=idle) as upstream,
        sidecar({"acme": provider(upstream.port)}, **BOUNDS) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(head("PUT /acme/file HTTP/1.1", f"Content-Length: {SIZE}"))
        pushing = asyncio.ensure_future(push(here))
        assert await still(written) < SIZE // 2
        pushing.cancel()


async def idle(connected: Connected) -> None:
    """Read nothing, so that the windows of both connections fill."""
    connected.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


@pytest.mark.parametrize("size", [300_000, 900_000, 2_000_000])
async def test_large_answers_follow_each_other_on_one_connection(size: int) -> None:
    """On a warm connection much of a body comes with its head: it must not be held back."""
    async with world(answer(body=b"x" * size)) as here, caller(here.proxy.port) as one:
        for _ in range(4):
            await one.send(head("POST /acme/x HTTP/1.1", "Content-Length: 0"))
            reply = await one.answer()
            assert (reply.status, len(reply.body)) == (200, size)
        assert here.upstream.connections == 1
