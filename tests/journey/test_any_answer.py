"""Anything at all from a provider: an answer that is one goes through, all else is an envelope."""

import asyncio
from contextlib import AsyncExitStack

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.caller import sound_envelope
from tests.support.raw import Connected, RawProvider
from tests.support.sidecar import Sidecar, provider, sidecar

JSON = b"Content-Type: application/json\r\n"
SUCCESS = b"HTTP/1.1 200 OK\r\n" + JSON + b'Content-Length: 15\r\n\r\n{"id": "pay_1"}'
REFUSAL = (
    b"HTTP/1.1 422 Unprocessable\r\n"
    + JSON
    + b'Transfer-Encoding: chunked\r\n\r\n17\r\n{"error":{"code":"E1"}}\r\n0\r\n\r\n'
)
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08nonsense"
ANSWERS = (SUCCESS, REFUSAL, BUSY)
PIECES = (b"\r\n", b":", b"\0", b"\xff", b"HTTP/1.1 ", b"0\r\n\r\n", b"{", b"99999999999")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Give an answer with a few bytes changed, left out, doubled or put in."""
    answer = bytearray(draw(st.sampled_from(ANSWERS)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(answer) - 1))
        piece = draw(st.binary(max_size=4) | st.sampled_from(PIECES))
        answer[place : place + draw(st.integers(0, 6))] = piece * draw(st.integers(1, 3))
    return bytes(answer)


async def ask(proxy: Sidecar, method: str) -> None:
    """Ask for a payment or a read, and judge what the caller is told."""
    reply = await proxy.ask(method, "/acme/x", body=b"{}" if method == "POST" else None)
    assert 200 <= reply.status <= 599
    if reply.status >= 400:
        envelope = sound_envelope(reply)
        if method == "GET":
            assert envelope["outcome"] != "unknown"
    else:
        assert reply.header("Paysluice-Error-Code") is None


@pytest.mark.item(76)
def test_whatever_a_provider_sends_the_caller_gets_an_answer_or_the_envelope() -> None:
    sent = b""

    async def send(connected: Connected) -> None:
        connected.writer.write(sent)
        connected.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        upstream = runner.run(stack.enter_async_context(RawProvider([send])))
        config = provider(upstream.port, breaker={"min_requests": 1_000_000})
        config["retry"] = {"max_attempts": 1}
        proxy = runner.run(stack.enter_async_context(sidecar({"acme": config})))

        @settings(
            max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(mutated() | st.binary(max_size=200), st.sampled_from(["GET", "POST"]))
        def survives(answer: bytes, method: str) -> None:
            nonlocal sent
            sent = answer
            runner.run(ask(proxy, method))

        try:
            survives()
            assert "fault_occurred" not in proxy.log.getvalue()
            status = proxy.app._providers["acme"].status()
            assert (status["connections"], status["in_flight"]) == ({"idle": 0, "busy": 0}, 0)
        finally:
            runner.run(stack.aclose())
