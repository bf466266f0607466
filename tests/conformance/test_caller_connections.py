"""A caller's connection: what is left of a request on it, who may keep it, and a half-close."""

import asyncio
from typing import Any

import pytest

from tests.support.caller import caller, head, sound_envelope
from tests.support.log import lines
from tests.support.raw import Connected, RawProvider, Step, answer, send
from tests.support.sidecar import provider, sidecar
from tests.support.world import post, world

MIB = 1024 * 1024
PIECE = b"GET /acme/smuggled HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
NEXT = head("GET /acme/next HTTP/1.1")


@pytest.mark.item(15)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(
    ("target", "settings"),
    [("/nobody/x", {}), ("/acme/x", {"acme": {"paused": "all"}})],
    ids=["no_provider", "paused"],
)
async def test_a_body_that_nobody_wanted_is_read_and_thrown_away(
    target: str, settings: dict[str, Any], framing: str
) -> None:
    size = len(PIECE) * 50
    async with world(**settings) as here, caller(here.proxy.port) as one:
        field = f"Content-Length: {size}" if framing == "length" else "Transfer-Encoding: chunked"
        await one.send(head(f"POST {target} HTTP/1.1", field))
        reply = await one.answer()
        sound_envelope(reply)
        for _ in range(50):
            await one.send(PIECE if framing == "length" else b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
        await one.send(b"" if framing == "length" else b"0\r\n\r\n")
        await one.send(head("GET /nobody/next HTTP/1.1"))
        assert reply.header("Connection") is None
        assert (await one.answer()).status == 404
        # Whatever is in that body, nothing of it was taken for a request.
        assert here.upstream.requests == 0


@pytest.mark.item(15)
async def test_a_body_that_is_too_large_ends_the_connection() -> None:
    async with world(max_body="1KiB") as here, caller(here.proxy.port) as one:
        await one.send(post("Content-Length: 2048", body=PIECE[:2048]) + NEXT)
        reply = await one.answer()
        assert (reply.status, reply.header("Connection")) == (413, "close")
        assert await one.rest() == b""
        assert here.upstream.requests == 0


@pytest.mark.item(15)
async def test_what_a_provider_answered_early_leaves_no_body_behind() -> None:
    async def early(connected: Connected) -> None:
        await connected.reader.readuntil(b"\r\n\r\n")
        await send(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n", keep=False)(connected)

    size = 3 * MIB
    async with (
        RawProvider([answer()], before_read=early) as upstream,
        sidecar({"acme": provider(upstream.port)}, replay_body="1KiB") as proxy,
        caller(proxy.port) as one,
    ):
        await one.send(head("PUT /acme/file HTTP/1.1", f"Content-Length: {size}") + PIECE)
        reply = await one.answer()
        assert reply.status == 413
        upstream.before_read = None
        assert reply.header("Connection") is None
        await one.send(PIECE * (size // len(PIECE) - 1))
        await one.send(PIECE[: size % len(PIECE)] + NEXT)
        after = await one.answer()
        assert after.status == 200
        assert [seen.line for seen in upstream.seen] == [b"GET /next HTTP/1.1"]


OLD: dict[str, Step] = {
    "length": answer(),
    "chunked": send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "error": answer(404),
    "no_content": answer(204, b""),
}


@pytest.mark.item(16)
@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("target", ["/acme/x", "/nobody/x"])
async def test_a_caller_of_http_1_0_may_not_keep_its_connection(name: str, target: str) -> None:
    async with world(OLD[name]) as here, caller(here.proxy.port) as one:
        await one.send(b"GET %b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" % target.encode())
        reply = await one.answer()
        assert reply.header("Connection") == "close"
        assert reply.header("Transfer-Encoding") is None
        assert await one.rest() == b""


@pytest.mark.item(17)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_half_close_is_taken_for_a_caller_who_left_and_cuts_no_attempt(
    method: str,
) -> None:
    go = asyncio.Event()

    async def late(connected: Connected) -> None:
        await go.wait()
        await answer(201, b'{"id":1}')(connected)

    async with (
        RawProvider([late]) as upstream,
        sidecar({"acme": provider(upstream.port)}, log={"level": "debug"}) as proxy,
        caller(proxy.port) as one,
        asyncio.timeout(5),
    ):
        await one.send(head(f"{method} /acme/x HTTP/1.1", "Content-Length: 2") + b"{}")
        await upstream.arrived.wait()
        one.writer.write_eof()
        assert await one.rest() == b""
        go.set()
        await proxy.app._journeys.drain(5)
        (ended,) = lines(proxy, "attempt_ended")
        assert (ended["status"], upstream.requests) == (201, 1)


@pytest.mark.item(17)
async def test_a_request_that_comes_with_its_half_close_is_not_begun() -> None:
    async with world() as here:
        async with caller(here.proxy.port) as one:
            one.writer.write(post("Content-Length: 2", body=b"{}"))
            one.writer.write_eof()
            assert await one.rest() == b""
        assert (await here.proxy.ask("GET", "/acme/alive")).status == 200
        assert [seen.line for seen in here.upstream.seen] == [b"GET /alive HTTP/1.1"]
