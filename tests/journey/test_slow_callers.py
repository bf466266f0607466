"""Callers that are slow on purpose, in each place where a caller can be: cut off, and told so."""

import asyncio

import pytest

from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import answer
from tests.support.world import world


@pytest.mark.parametrize("sent", [b"", b"POST /acme/x HTTP/1.1\r\n"], ids=["none", "some"])
async def test_a_connection_that_brings_no_head_does_not_stay(sent: bytes) -> None:
    async with (
        world(callers={"header_timeout": "30ms", "idle_timeout": "30ms"}) as here,
        caller(here.proxy.port) as one,
    ):
        await one.send(sent)
        answered = await one.rest()
        assert answered.startswith(b"HTTP/1.1 408 ") if sent else answered == b""


async def test_a_head_that_trickles_is_cut_off_and_others_are_served() -> None:
    async with (
        world(callers={"header_timeout": "60ms"}) as here,
        caller(here.proxy.port) as slow,
        caller(here.proxy.port) as other,
    ):
        await slow.send(b"POST /acme/x HTTP/1.1\r\nHost: x\r\n")
        for _ in range(3):
            await slow.send(b"X-A: b\r\n")
            await other.send(head("GET /acme/x HTTP/1.1"))
            assert (await other.answer()).status == 200
            await asyncio.sleep(0.01)
        reply = await slow.answer()
        assert (reply.status, sound_envelope(reply)["error_code"]) == (408, "request_timeout")
        assert reply.header("Connection") == "close"


async def test_a_head_that_ends_as_its_time_does_is_answered_once() -> None:
    async with world(callers={"header_timeout": "20ms"}) as here:
        for _ in range(5):
            async with caller(here.proxy.port) as one:
                await one.send(b"GET /acme/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
                await asyncio.sleep(0.02)
                await one.send(b"\r\n")
                assert (await one.rest()).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("replay_body", ["1KiB", "1B"], ids=["kept", "streamed"])
@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
async def test_a_body_that_trickles_below_a_rate_is_cut_off(framing: str, replay_body: str) -> None:
    async with (
        world(callers={"body_timeout": "60ms"}, replay_body=replay_body) as here,
        caller(here.proxy.port) as one,
    ):
        await one.send(head("POST /acme/x HTTP/1.1", framing))
        trickle = b"1\r\na\r\n" if "chunked" in framing else b"a"
        answered = asyncio.ensure_future(one.answer())
        for _ in range(100):  # each in time, and all together too late
            if answered.done():
                break
            await one.send(trickle)
            await asyncio.sleep(0.02)
        reply = await answered
        # What was begun towards the provider may have been understood there.
        outcome = "not_sent" if replay_body == "1KiB" else "unknown"
        assert (reply.status, sound_envelope(reply)["outcome"]) == (408, outcome)
        assert all(len(seen.body) == 0 for seen in here.upstream.seen)


async def test_chunks_of_one_byte_are_no_fault_and_endless_extensions_are() -> None:
    async with world() as here:
        small = b"1\r\na\r\n" * 3000 + b"0\r\n\r\n"
        reply = await here.ask(head("POST /acme/x HTTP/1.1", "Transfer-Encoding: chunked") + small)
        assert reply.status == 200
        assert here.upstream.seen[0].body == b"a" * 3000
        async with caller(here.proxy.port) as one:
            await one.send(head("POST /acme/x HTTP/1.1", "Transfer-Encoding: chunked") + b"1;a=")
            for _ in range(20):
                await one.send(b"b" * 1_000)
                await asyncio.sleep(0)
            reply = await one.answer()
            assert (reply.status, sound_envelope(reply)["outcome"]) == (400, "not_sent")


async def test_pipelined_chunked_requests_are_each_judged_by_their_own_framing() -> None:
    one_of_them = head("POST /acme/x HTTP/1.1", "Transfer-Encoding: chunked") + (
        b"400\r\n" + b"a" * 1024 + b"\r\n0\r\n\r\n"
    )
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(one_of_them * 5)
        for _ in range(5):
            assert (await one.answer()).status == 200


async def test_an_answer_that_nobody_takes_is_not_kept_for_long() -> None:
    large = answer(body=b"x" * 1_000_000)
    async with (
        world(large, callers={"body_timeout": "50ms"}) as here,
        asyncio.timeout(5),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", here.proxy.port, limit=1)
        # Pipelined, so that more is owed than the kernel takes on our behalf.
        writer.write(head("POST /acme/x HTTP/1.1", "Content-Length: 0") * 20)
        doors = here.proxy.app._doors
        assert doors is not None
        while doors.owed:  # noqa: ASYNC110 - only the sidecar knows
            await asyncio.sleep(0.01)
        assert here.upstream.requests < 20
        writer.transport.abort()
        del reader


async def test_empty_lines_between_requests_are_the_beginning_of_none() -> None:
    async with (
        world(callers={"header_timeout": "20ms"}) as here,
        caller(here.proxy.port) as one,
    ):
        for _ in range(2):
            await one.send(head("POST /acme/x HTTP/1.1", "Content-Length: 2") + b"{}\r\n\r\n")
            assert (await one.answer()).status == 200
            await asyncio.sleep(0.03)


async def test_a_head_that_is_on_its_way_is_not_cut_off_for_having_been_idle() -> None:
    async with (
        world(callers={"header_timeout": "1s", "idle_timeout": "50ms"}) as here,
        caller(here.proxy.port) as one,
    ):
        await asyncio.sleep(0.03)
        await one.send(b"GET /acme/x HTTP/1.1\r\nHost: x\r\n")
        await asyncio.sleep(0.04)
        await one.send(b"\r\n")
        assert (await one.answer()).status == 200
