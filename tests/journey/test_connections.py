"""A caller's connection: versions, pipelines, its time, `Expect`, and a caller who leaves."""

import asyncio
from typing import Any

import pytest

from tests.support import raw
from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import Step, answer, send
from tests.support.world import POST, post, world

# --- versions and connections


@pytest.mark.item(16, 69)
@pytest.mark.parametrize(
    "step",
    [
        answer(),
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", keep=False),
    ],
)
async def test_a_caller_of_http_1_0_is_answered_unchunked_and_closed(step: Step) -> None:
    async with world(step) as here, caller(here.proxy.port) as one:
        await one.send(b"GET /acme/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        reply = await one.answer()
        assert (reply.status, reply.body) == (200, b"{}")
        assert reply.header("Transfer-Encoding") is None
        assert reply.header("Connection") == "close"
        assert await one.rest() == b""


@pytest.mark.item(16, 69)
async def test_a_large_answer_to_http_1_0_ends_with_its_connection() -> None:
    body = b"x" * 300_000
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    async with world(send(chunked % (len(body), body))) as here:
        reply = await here.ask(b"GET /acme/x HTTP/1.0\r\n\r\n")
        assert reply.body == body
        assert reply.header("Content-Length") is None


async def test_a_connection_carries_many_requests() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        for number in range(5):
            body = b"x" * number
            await one.send(post(f"Content-Length: {number}", body=body))
            reply = await one.answer()
            assert reply.status == 200
            assert reply.header("Connection") is None
        assert [len(seen.body) for seen in here.upstream.seen] == [0, 1, 2, 3, 4]
        assert here.upstream.connections == 1


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with world(*[answer(body=b"%d" % n) for n in range(40)]) as here:
        async with caller(here.proxy.port) as one:
            await one.send(b"".join(head(f"GET /acme/{n} HTTP/1.1") for n in range(40)))
            replies = [await one.answer() for _ in range(40)]
        assert [reply.body for reply in replies] == [b"%d" % n for n in range(40)]


@pytest.mark.item(32)
async def test_a_smuggled_request_behind_a_refused_one_is_never_served() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        smuggled = head("GET /acme/smuggled HTTP/1.1")
        await one.send(post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n") + smuggled)
        assert (await one.answer()).status == 400
        assert await one.rest() == b""
        assert here.upstream.requests == 0


async def test_an_upgrade_is_ignored_and_what_follows_it_is_served() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(head("GET /acme/x HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"))
        reply = await one.answer()
        assert reply.status == 200
        assert here.upstream.seen[0].values(b"upgrade") == []
        if reply.header("Connection") != "close":
            await one.send(head("GET /acme/x HTTP/1.1"))
            assert (await one.answer()).status == 200


async def test_an_upgrade_with_a_body_loses_none_of_it() -> None:
    async with world() as here:
        fields = ("Upgrade: websocket", "Connection: Upgrade", "Content-Length: 4")
        assert (await here.ask(post(*fields, body=b"body"))).status == 200
        assert here.upstream.seen[0].body == b"body"


# --- time


async def test_a_head_that_does_not_come_to_its_end_is_cut_off() -> None:
    async with world(callers={"header_timeout": "50ms"}) as here:
        async with caller(here.proxy.port) as one:
            await one.send(b"POST /acme/payments HTTP/1.1\r\nHost: x\r\n")
            reply = await one.answer()
            assert (reply.status, sound_envelope(reply)["outcome"]) == (408, "not_sent")
            assert await one.rest() == b""
        assert here.upstream.requests == 0


async def test_an_idle_connection_outlives_header_timeout() -> None:
    async with world(callers={"header_timeout": "20ms"}) as here, caller(here.proxy.port) as one:
        for _ in range(2):
            await asyncio.sleep(0.03)
            await one.send(head("GET /acme/x HTTP/1.1"))
            assert (await one.answer()).status == 200


@pytest.mark.item(15)
async def test_what_is_left_of_a_refused_body_is_no_slow_head() -> None:
    async with world(callers={"header_timeout": "20ms"}) as here, caller(here.proxy.port) as one:
        await one.send(head("POST /nobody HTTP/1.1", "Content-Length: 4") + b"a")
        assert (await one.answer()).status == 404
        await one.send(b"bc")
        await asyncio.sleep(0.03)
        await one.send(b"d" + head("GET /acme/x HTTP/1.1"))
        assert (await one.answer()).status == 200


async def test_an_idle_connection_is_closed_after_idle_timeout() -> None:
    async with world(callers={"idle_timeout": "20ms"}) as here, caller(here.proxy.port) as one:
        await one.send(head("GET /acme/x HTTP/1.1"))
        assert (await one.answer()).status == 200
        assert await one.rest() == b""


@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked"])
async def test_a_body_that_stalls_is_408_and_closed(framing: str) -> None:
    async with world(callers={"body_timeout": "50ms"}) as here:
        async with caller(here.proxy.port) as one:
            await one.send(post(framing, body=b"3\r\nabc\r\n"))
            reply = await one.answer()
            assert reply.status == 408
            assert sound_envelope(reply)["outcome"] == "not_sent"
            assert reply.header("Connection") == "close"
        assert here.upstream.requests == 0


@pytest.mark.item(41)
@pytest.mark.parametrize(
    "part",
    [
        b"POST /acme/pay",
        b"POST /acme/payments HTTP/1.1\r\nHost: x\r\n",
        post("Content-Length: 10", body=b"abc"),
        post("Transfer-Encoding: chunked", body=b"5\r\nab"),
    ],
)
async def test_half_a_request_is_never_sent_on(part: bytes) -> None:
    async with world() as here:
        async with caller(here.proxy.port) as one:
            await one.send(part)
        assert (await here.proxy.ask("GET", "/acme/alive")).status == 200
        assert [seen.line for seen in here.upstream.seen] == [b"GET /alive HTTP/1.1"]


async def test_a_caller_who_left_before_the_answer_does_not_cut_the_payment() -> None:
    go = asyncio.Event()

    async def late(connected: raw.Connected) -> None:
        await go.wait()
        await answer()(connected)

    async with world(late) as here:
        async with caller(here.proxy.port) as one:
            await one.send(post("Content-Length: 2", body=b"{}"))
            await here.upstream.arrived.wait()
        go.set()
        assert (await here.proxy.ask("GET", "/acme/alive")).status == 200
        assert here.upstream.requests == 2


# --- Expect


@pytest.mark.item(55)
async def test_expect_is_answered_100_and_then_the_answer_and_goes_no_further() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(post("Expect: 100-continue", "Content-Length: 4"))
        assert (await one.answer()).status == 100
        await one.send(b"body")
        assert (await one.answer()).status == 200
        assert here.upstream.seen[0].body == b"body"
        assert here.upstream.seen[0].values(b"expect") == []


@pytest.mark.item(55)
@pytest.mark.parametrize(
    ("target", "acme", "status"),
    [("/other/x", {}, 404), ("/acme/x", {"paused": "all"}, 503), ("/acme/../x", {}, 400)],
)
async def test_a_refused_request_gets_its_final_status_without_100(
    target: str, acme: dict[str, Any], status: int
) -> None:
    async with world(acme=acme) as here:
        line = f"POST {target} HTTP/1.1"
        reply = await here.ask(post("Expect: 100-continue", "Content-Length: 4", line=line))
        assert reply.status == status
        sound_envelope(reply)


@pytest.mark.item(55)
async def test_an_open_circuit_refuses_before_100() -> None:
    acme = {"breaker": {"min_requests": 1, "failure_ratio": 0.1}, "retry": {"max_attempts": 1}}
    async with world(answer(503), acme=acme) as here:
        assert (await here.ask(head("GET /acme/x HTTP/1.1"))).status == 503
        reply = await here.ask(post("Expect: 100-continue", "Content-Length: 4"))
        assert reply.status == 503
        assert sound_envelope(reply)["error_code"] == "circuit_open"
        assert here.upstream.requests == 1


@pytest.mark.item(55)
async def test_http_1_0_is_never_sent_100() -> None:
    async with world() as here:
        fields = ("Expect: 100-continue", "Content-Length: 2")
        reply = await here.ask(post(*fields, line=POST.replace("1.1", "1.0"), body=b"{}"))
        assert reply.status == 200
