"""The end of a sidecar: nothing of which a byte was read goes without an answer."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.support.caller import Caller, caller, head, sound_envelope
from tests.support.log import lines
from tests.support.raw import Connected, RawProvider, answer, hang
from tests.support.sidecar import Sidecar, provider, sidecar
from tests.support.world import world

POST = head("POST /acme/x HTTP/1.1", "Content-Length: 2")
SOON = {"delay": "0ms", "timeout": "50ms"}


def owed(proxy: Sidecar) -> int:
    assert proxy.app._doors is not None
    return proxy.app._doors.owed


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - only the sidecar knows
            await asyncio.sleep(0.001)


@pytest.mark.item(118)
async def test_while_it_drains_it_accepts_and_every_answer_closes() -> None:
    drain = {"delay": "500ms", "timeout": "1s"}
    async with world(drain=drain) as here, caller(here.proxy.port) as old:
        await old.send(POST + b"{}")
        assert (await old.answer()).header("Connection") is None
        draining = asyncio.ensure_future(here.proxy.app.drain())
        await until(lambda: here.proxy.app.is_draining)
        assert here.proxy.app.state == "draining"
        async with caller(here.proxy.port) as fresh:
            for one in (old, fresh):
                await one.send(POST + b"{}")
                reply = await one.answer()
                assert (reply.status, reply.header("Connection")) == (200, "close")
                assert await one.rest() == b""
        await draining
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", here.proxy.port)


@pytest.mark.item(118)
@pytest.mark.parametrize("sent", [POST[:1], POST[:-2], POST + b"{"], ids=["byte", "head", "body"])
async def test_a_request_of_which_a_byte_was_read_is_waited_for(sent: bytes) -> None:
    async with (
        world(drain={"delay": "0ms", "timeout": "2s"}) as here,
        caller(here.proxy.port) as one,
    ):
        await one.send(sent)
        await until(lambda: owed(here.proxy) == 1)
        draining = asyncio.ensure_future(here.proxy.app.drain())
        await asyncio.sleep(0.02)
        assert not draining.done()
        await one.send((POST + b"{}")[len(sent) :])
        assert (await one.answer()).status == 200
        await draining


@pytest.mark.item(118)
@pytest.mark.parametrize("sent", [POST[:1], POST[:-2], POST + b"{"], ids=["byte", "head", "body"])
async def test_what_has_not_come_by_the_end_is_told_that_nothing_was_sent(sent: bytes) -> None:
    async with world(drain=SOON) as here, caller(here.proxy.port) as one:
        await one.send(sent)
        await until(lambda: owed(here.proxy) == 1)
        await here.proxy.app.drain()
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (503, "service_unavailable")
        assert (envelope["outcome"], envelope["retryable"]) == ("not_sent", True)
        assert reply.header("Connection") == "close"
        assert await one.rest() == b""
        assert here.upstream.requests == 0


@pytest.mark.item(118, 119)
async def test_a_payment_that_outlasts_the_end_is_told_as_unknown_and_recorded() -> None:
    async with (
        RawProvider([hang]) as upstream,
        sidecar({"acme": provider(upstream.port)}, drain=SOON) as proxy,
        caller(proxy.port) as one,
    ):
        await one.send(POST + b"{}")
        await upstream.arrived.wait()
        await proxy.app.drain()
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["outcome"], envelope["attempts"]) == (504, "unknown", 1)
        assert lines(proxy, "responded")[0]["outcome"] == "unknown"
        assert lines(proxy, "drain_cut_off")[0]["calls"] == 1


@pytest.mark.item(119)
async def test_a_payment_whose_caller_left_is_waited_for_and_recorded() -> None:
    go = asyncio.Event()

    async def slow(connected: Connected) -> None:
        await go.wait()
        await answer()(connected)

    async with (
        RawProvider([slow]) as upstream,
        sidecar(
            {"acme": provider(upstream.port)},
            drain={"delay": "0ms", "timeout": "2s"},
        ) as proxy,
    ):
        async with caller(proxy.port) as one:
            await one.send(POST + b"{}")
            await upstream.arrived.wait()
        await until(lambda: owed(proxy) == 0)
        draining = asyncio.ensure_future(proxy.app.drain())
        await asyncio.sleep(0.02)
        assert not draining.done()
        go.set()
        await draining
        ended = lines(proxy, "call_ended")[0]
        assert (ended["error_code"], ended["delivery"]) == ("none", "complete")


@pytest.mark.item(118)
async def test_under_load_every_request_that_was_read_is_answered_whole() -> None:
    """Callers that keep their connections until they are told to close them, as SDKs do."""
    answered: list[int] = []

    async def load(port: int) -> None:
        with suppress(ConnectionError):
            while True:
                async with caller(port) as one:
                    await ask_until_closed(one, answered)

    drain = {"delay": "150ms", "timeout": "5s"}
    async with world(drain=drain) as here:
        callers = [asyncio.ensure_future(load(here.proxy.port)) for _ in range(20)]
        await until(lambda: here.upstream.requests > 100)
        await here.proxy.app.drain()
        await asyncio.gather(*callers)
        told = [line["status"] for line in lines(here.proxy, "responded")]
        assert told == answered == [200] * len(told)
        assert len(told) > 100


async def ask_until_closed(one: Caller, answered: list[int]) -> None:
    while True:
        try:
            await one.send(POST + b"{}")
            head_of_answer = await one.reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # nothing of the request was read, or the log has a line more than we have
        await one.reader.readexactly(2)
        answered.append(int(head_of_answer[9:12]))
        if b"connection: close" in head_of_answer.lower():
            return
