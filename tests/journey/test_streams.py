"""Large bodies both ways: byte for byte, in bounded memory, as fast as the slower side, or cut."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.caller import Caller, caller, head, sound_envelope
from tests.support.process import process
from tests.support.raw import Connected, RawProvider, Step, answer, hang, send
from tests.support.sidecar import Sidecar, provider, sidecar

MIB = 1024 * 1024
SIZE = 64 * MIB
PIECE = bytes(range(256)) * 256  # 64 KiB
LARGEST_GROWTH_KIB = 32 * 1024  # half of what goes through
STILL_S = 0.05
BOUNDS = {"max_body": "256MiB", "replay_body": "1MiB"}


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


LONG = b"x" * 200_000
CUT: dict[str, tuple[Step, str]] = {
    "length": (
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + LONG, keep=False),
        "content-length: 400000",
    ),
    "chunked": (
        send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n"
            % (len(LONG), LONG),
            keep=False,
        ),
        "transfer-encoding: chunked",
    ),
    "reset": (
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + LONG, reset=True),
        "content-length: 400000",
    ),
}


@pytest.mark.parametrize("name", CUT)
async def test_an_answer_that_the_provider_cut_looks_cut(name: str) -> None:
    step, framing = CUT[name]
    async with (
        RawProvider([step]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(head("GET /acme/report HTTP/1.1"))
        got = b""
        try:
            while piece := await here.reader.read(MIB):
                got += piece
        except ConnectionResetError:
            pass
        if not got:  # reset, before a byte of it was read
            return
        told, _, body = got.partition(b"\r\n\r\n")
        if told.startswith(b"HTTP/1.1 200"):
            assert framing in told.decode().lower()
            assert len(body) < 400_000
            assert not body.endswith(b"0\r\n\r\n")
            responded = [json.loads(line) for line in proxy.log.getvalue().splitlines()][-1]
            assert (responded["event"], responded["is_whole"]) == ("responded", False)
        else:
            assert told.startswith(b"HTTP/1.1 502")


async def test_an_answer_that_stalls_is_cut_after_body_idle() -> None:
    stalled = send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + LONG)
    timeouts = {"body_idle": "50ms"}
    async with (
        RawProvider([stalled]) as upstream,
        sidecar({"acme": provider(upstream.port, timeouts=timeouts)}) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(head("GET /acme/report HTTP/1.1"))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await here.answer()


async def freed(proxy: Sidecar) -> None:
    """Wait until no connection to the provider is lent."""
    async with asyncio.timeout(2.0):
        while 'state="busy"} 0.0' not in gauges(proxy):  # noqa: ASYNC110 - as an operator sees it
            await asyncio.sleep(0.005)


def gauges(proxy: Sidecar) -> str:
    text = proxy.app._metrics.render("text/plain")[0].decode()
    return "\n".join(line for line in text.splitlines() if "upstream_connections" in line)


async def test_a_caller_that_leaves_a_download_frees_the_providers_connection() -> None:
    gone = asyncio.Event()

    async def flood(connected: Connected) -> None:
        connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        try:
            while True:
                connected.writer.write(PIECE)
                await connected.writer.drain()
        finally:
            gone.set()

    connections = {"max": 1}
    async with (
        RawProvider([flood]) as upstream,
        sidecar({"acme": provider(upstream.port, connections=connections)}) as proxy,
    ):
        async with caller(proxy.port) as here:
            await here.send(head("GET /acme/report HTTP/1.1"))
            await here.reader.readexactly(MIB)
        async with asyncio.timeout(2.0):
            await gone.wait()
        await freed(proxy)


async def test_a_caller_that_takes_nothing_for_long_is_let_go() -> None:
    async def flood(connected: Connected) -> None:
        connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        while True:
            connected.writer.write(PIECE)
            await connected.writer.drain()

    async with (
        RawProvider([flood]) as upstream,
        sidecar({"acme": provider(upstream.port)}, callers={"body_timeout": "50ms"}) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(head("GET /acme/report HTTP/1.1"))
        await upstream.arrived.wait()
        await freed(proxy)


@pytest.mark.parametrize(("replay_body", "requests"), [("1KiB", 1), ("4KiB", 3)])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_that_was_not_kept_is_never_sent_again(
    replay_body: str, requests: int, framing: str
) -> None:
    body = b"x" * 2048
    if framing == "length":
        request = head("PUT /acme/file HTTP/1.1", "Content-Length: 2048") + body
    else:
        request = head("PUT /acme/file HTTP/1.1", "Transfer-Encoding: chunked")
        request += b"800\r\n" + body + b"\r\n0\r\n\r\n"
    async with (
        RawProvider([answer(503)]) as upstream,
        sidecar({"acme": provider(upstream.port)}, replay_body=replay_body) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(request)
        assert sound_envelope(await here.answer())["attempts"] == requests
        assert [seen.body for seen in upstream.seen] == [body] * requests
        denied_by = '"denied_by": "body"' if requests == 1 else '"denied_by": "attempts"'
        assert denied_by in proxy.log.getvalue()


async def test_an_early_no_to_an_upload_reaches_its_caller() -> None:
    async def early(connected: Connected) -> None:
        await connected.reader.readuntil(b"\r\n\r\n")
        await send(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n", keep=False)(connected)

    async with (
        RawProvider([hang], before_read=early) as upstream,
        sidecar({"acme": provider(upstream.port)}, **BOUNDS) as proxy,
        caller(proxy.port) as here,
    ):
        await here.send(head("PUT /acme/file HTTP/1.1", f"Content-Length: {8 * MIB}"))
        await here.send(PIECE * 32)
        reply = await here.answer()
        assert reply.status == 413
        assert sound_envelope(reply)["provider"]["status"] == 413
