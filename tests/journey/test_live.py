"""Live streams: an answer that goes on for longer than any time that bounds a call."""

import asyncio

import pytest

from tests.support.caller import caller, head
from tests.support.raw import Connected, RawProvider
from tests.support.sidecar import provider, sidecar

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%b\r\n"


@pytest.mark.item(114)
@pytest.mark.parametrize("kind", [b"Content-Type: text/event-stream\r\n", b""], ids=["sse", "any"])
async def test_a_live_stream_is_not_cut_by_the_time_of_a_call(kind: bytes) -> None:
    goes_on = asyncio.Event()

    async def live(connected: Connected) -> None:
        connected.writer.write(HEAD % kind + b"5\r\nfirst\r\n")
        await goes_on.wait()
        await asyncio.sleep(0.2)  # past the end of the call's time
        connected.writer.write(b"4\r\nlast\r\n0\r\n\r\n")

    timeouts = {"attempt": "1100ms", "total": "1100ms"}
    async with (
        RawProvider([live]) as upstream,
        sidecar({"acme": provider(upstream.port, timeouts=timeouts)}) as proxy,
        caller(proxy.port) as one,
    ):
        await one.send(head("GET /acme/events HTTP/1.1"))
        told = await one.reader.readuntil(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 200 ")
        assert await one.reader.readexactly(10) == b"5\r\nfirst\r\n"
        if kind:
            await asyncio.sleep(1.0)
        goes_on.set()
        assert await one.reader.readexactly(14) == b"4\r\nlast\r\n0\r\n\r\n"
        assert upstream.requests == 1
