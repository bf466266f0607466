"""Bodies that end early: what was cut looks cut, what was sent is not sent again."""

import asyncio
import json

import pytest

from tests.support.bulk import BOUNDS, MIB, PIECE, SIZE
from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import Connected, RawProvider, Step, answer, hang, send
from tests.support.sidecar import Sidecar, provider, sidecar

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


@pytest.mark.item(62)
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


@pytest.mark.item(62, 114)
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
        with pytest.raises(ConnectionResetError):  # what the kernel still had is thrown away
            await here.reader.readexactly(SIZE)


@pytest.mark.item(5)
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


@pytest.mark.item(61)
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
