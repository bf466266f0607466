"""Anything at all: whatever bytes come, the next request is served."""

import asyncio
from contextlib import AsyncExitStack

import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.caller import caller, head, sound_envelope
from tests.support.sidecar import Sidecar, read_reply
from tests.support.world import world

REQUEST = (
    head(
        "POST /acme/payments HTTP/1.1",
        "Connection: close",
        "Content-Type: application/json",
        "Idempotency-Key: key-1",
        "Content-Length: 16",
    )
    + b'{"amount": 1000}'
)
CHUNKED = (
    head("POST /acme/payments?x=1 HTTP/1.1", "Connection: close", "Transfer-Encoding: chunked")
    + b"5\r\nhello\r\n0\r\n\r\n"
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Give a sound request with a few bytes changed, left out, doubled or put in."""
    request = bytearray(draw(st.sampled_from([REQUEST, CHUNKED])))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(request) - 1))
        piece = draw(st.binary(max_size=4) | st.sampled_from([b"\r\n", b":", b" ", b"\0", b"%2e"]))
        length = draw(st.integers(0, 6))
        request[place : place + length] = piece * draw(st.integers(1, 3))
    return bytes(request)


async def probe(proxy: Sidecar, request: bytes) -> None:
    """Send *request*; whatever comes is an answer, an envelope, or the end of the connection."""
    async with caller(proxy.port) as one:
        await one.send(request)
        try:
            data = await one.rest()
        except ConnectionResetError:
            return
    if not data:
        return
    reply = read_reply(data)
    assert reply.is_whole
    assert reply.status in {100, 200} or sound_envelope(reply)["attempts"] == 0


def test_whatever_bytes_come_the_next_request_is_served() -> None:
    quick = {"header_timeout": "20ms", "body_timeout": "20ms", "idle_timeout": "20ms"}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        here = runner.run(stack.enter_async_context(world(callers=quick)))

        @settings(
            max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(mutated() | st.binary(min_size=1, max_size=200))
        def survives(request: bytes) -> None:
            runner.run(probe(here.proxy, request))

        try:
            survives()
            reply = runner.run(here.proxy.ask("GET", "/acme/alive"))
            assert reply.status == 200
            assert here.upstream.seen[-1].line == b"GET /alive HTTP/1.1"
            assert "fault_occurred" not in here.proxy.log.getvalue()
        finally:
            runner.run(stack.aclose())
