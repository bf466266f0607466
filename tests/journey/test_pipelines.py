"""Requests that come before the last one is answered: each is itself, or is seen not to be."""

import asyncio
from contextlib import suppress

import pytest

from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import Connected, answer
from tests.support.world import world

PAY = head("POST /acme/two HTTP/1.1", "Content-Length: 2") + b"{}"


@pytest.mark.parametrize("pad", [b"X%d:1\r\n", b"X%d: 1\r\n", b"X%d:   1   \r\n"])
@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket"])
async def test_no_byte_behind_an_upgrade_is_taken_for_another_payment(
    pad: bytes, upgrade: bytes
) -> None:
    inner = head("POST /acme/INSIDE HTTP/1.1", "Content-Length: 2") + b"{}"
    first = (
        b"POST /acme/one HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: "
        + upgrade
        + b"\r\nContent-Length: 2\r\n"
        + b"".join(pad % n for n in range(100))
        + b"\r\n{}"
    )
    second = head("POST /acme/two HTTP/1.1", f"Content-Length: {len(inner)}")
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(first + second)
        reply = await one.answer()
        assert (reply.status, reply.header("Connection")) == (200, "close")
        with suppress(ConnectionError):
            await one.send(inner)
            assert await one.rest() == b""
        assert [seen.line for seen in here.upstream.seen] == [b"POST /one HTTP/1.1"]


async def test_a_chunked_request_is_not_judged_by_what_is_pipelined_behind_it() -> None:
    chunked = head("POST /acme/x HTTP/1.1", "Transfer-Encoding: chunked")
    large = head("GET /acme/y HTTP/1.1", f"X-Large: {'x' * 9_000}")
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(chunked + b"2\r\n{}\r\n0\r\n\r\n" + large * 3)
        for _ in range(4):
            assert (await one.answer()).status == 200


async def test_half_a_head_behind_a_request_has_its_own_time() -> None:
    async with (
        world(callers={"header_timeout": "50ms"}) as here,
        caller(here.proxy.port) as one,
    ):
        await one.send(PAY + b"POST /acme/y HT")
        assert (await one.answer()).status == 200
        reply = await one.answer()
        assert (reply.status, sound_envelope(reply)["outcome"]) == (408, "not_sent")
        assert here.upstream.requests == 1


async def test_callers_who_pipeline_and_leave_are_owed_nothing() -> None:
    async with world() as here:
        for _ in range(50):
            reader, writer = await asyncio.open_connection("127.0.0.1", here.proxy.port)
            writer.write(head("OPTIONS * HTTP/1.1") * 25)
            await asyncio.sleep(0)
            writer.transport.abort()
            del reader
        doors = here.proxy.app._doors
        assert doors is not None
        async with asyncio.timeout(5):
            while doors.owed:  # noqa: ASYNC110 - only the sidecar knows
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "behind",
    [b"\r\n" * 50_000, head("POST /acme/x HTTP/1.1", "Transfer-Encoding: chunked") + b"1;"],
    ids=["empty_lines", "extension"],
)
async def test_what_comes_behind_a_request_is_held_back(behind: bytes) -> None:
    go = asyncio.Event()

    async def slow(connected: Connected) -> None:
        await go.wait()
        await answer()(connected)

    async with world(slow) as here, caller(here.proxy.port) as one:
        await one.send(head("GET /acme/x HTTP/1.1"))
        await here.upstream.arrived.wait()
        doors = here.proxy.app._doors
        assert doors is not None
        [connection] = doors._listeners[0]._connections()
        one.writer.write(behind)
        for _ in range(50):
            one.writer.write(b"\r\n" * 50_000 if behind[:1] == b"\r" else b"e" * 100_000)
            await asyncio.sleep(0.001)
        assert len(connection._pending) < 1_000_000
        go.set()
        assert (await one.answer()).status == 200
        one.writer.transport.abort()
