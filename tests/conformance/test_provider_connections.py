"""Connections to a provider: when one carries another request, and whose it is."""

import asyncio

import pytest

from proxy.terms import Answered, ConnectionDiscarded, RouteEffect
from tests.attempt import conftest
from tests.attempt.conftest import MakeLeg
from tests.support.log import lines
from tests.support.raw import Connected, RawProvider, Step, answer, send
from tests.support.sidecar import provider, sidecar

leg = conftest.leg

PUSHED = {
    "200": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON",
    # What balancers say before they close what is idle.
    "408": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "half_an_answer": b"HTTP/1.1 2",
    "crlf": b"\r\n",
    "no_http": b"\x00",
}


@pytest.mark.item(12)
@pytest.mark.parametrize("name", PUSHED)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_comes_while_nothing_was_asked_answers_nobody(name: str, method: str) -> None:
    may_push, pushed = asyncio.Event(), asyncio.Event()

    async def answer_then_push(connected: Connected) -> None:
        await answer(200, b'"A"')(connected)
        await may_push.wait()
        await send(PUSHED[name])(connected)
        pushed.set()

    answers = [answer(200, b'"B"'), answer(200, b'"C"')]
    async with (
        RawProvider([answer_then_push, *answers]) as upstream,
        sidecar({"acme": provider(upstream.port)}, log={"level": "debug"}) as proxy,
        asyncio.timeout(5),
    ):
        body = b"{}" if method == "POST" else None
        bodies = [(await proxy.ask(method, "/acme/a", body=body)).body]
        may_push.set()
        await pushed.wait()
        bodies += [(await proxy.ask(method, f"/acme/{x}", body=body)).body for x in "bc"]
        assert bodies == [b'"A"', b'"B"', b'"C"']
        assert [seen.connection for seen in upstream.seen] == [1, 2, 2]
        (discarded,) = lines(proxy, "connection_discarded")
        assert discarded["reason"] in {"unsolicited", "closed"}


LAST = {
    "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    "close_among_others": b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\n{}",
    "http_1_0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "more_than_it_said": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{}",
}


@pytest.mark.item(13)
@pytest.mark.parametrize("name", LAST)
async def test_after_the_last_answer_of_a_connection_another_one_is_opened(name: str) -> None:
    # The provider leaves it open: what it said counts, not what it does.
    async with (
        RawProvider([send(LAST[name])]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        for _ in range(3):
            assert (await proxy.ask("GET", "/acme/x")).body == b"{}"
        assert [seen.connection for seen in upstream.seen] == [1, 2, 3]
        # We never ask for the end of a connection ourselves.
        assert all(seen.values(b"connection") == [] for seen in upstream.seen)


def backdate(one: conftest.Leg, seconds: float) -> None:
    for connection in one.pool._idle:
        connection.idle_since -= seconds


@pytest.mark.item(14)
@pytest.mark.parametrize(
    ("effect", "idle_s", "is_reused"),
    [
        (RouteEffect.PAYMENT, 0.5, True),
        (RouteEffect.PAYMENT, 1.0, False),
        (RouteEffect.READ, 1.0, True),
        (RouteEffect.IDEMPOTENT, 4.5, True),
        (RouteEffect.IDEMPOTENT, 5.0, False),
    ],
)
async def test_what_cannot_be_repeated_takes_no_connection_that_may_just_be_closing(
    leg: MakeLeg, effect: RouteEffect, idle_s: float, *, is_reused: bool
) -> None:
    async with RawProvider([answer()]) as upstream, leg(upstream.port) as one:
        await one.send()
        backdate(one, idle_s)
        assert isinstance(await one.send(effect=effect), Answered)
        assert upstream.connections == (1 if is_reused else 2)


@pytest.mark.item(14)
async def test_a_connection_that_is_idle_for_too_long_is_closed(leg: MakeLeg) -> None:
    gone = asyncio.Event()

    async def watch(connected: Connected) -> None:
        await answer()(connected)
        assert await connected.reader.read() == b""
        gone.set()

    async with (
        RawProvider([watch]) as upstream,
        leg(upstream.port, connections={"idle": "30ms"}) as one,
        asyncio.timeout(5),
    ):
        await one.send()
        await gone.wait()
        assert one.pool.idle == 0
        why = [event.why for event in one.events if isinstance(event, ConnectionDiscarded)]
        assert why == ["idle"]


@pytest.mark.item(14)
async def test_payments_lose_nothing_to_a_provider_that_closes_what_is_idle() -> None:
    # It closes as the answer is read: each next request meets a connection that is just closing.
    closes: Step = answer(keep=False)
    async with (
        RawProvider([closes]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        for _ in range(60):
            assert (await proxy.ask("POST", "/acme/x", body=b"{}")).status == 200
        assert upstream.requests == 60


@pytest.mark.item(19)
async def test_a_provider_that_hangs_takes_no_connection_from_another() -> None:
    go = asyncio.Event()

    async def held(connected: Connected) -> None:
        await go.wait()
        await answer()(connected)

    one_each = {"connections": {"max": 1}}
    async with (
        RawProvider([held]) as slow,
        RawProvider([answer()]) as quick,
        sidecar(
            {"slow": provider(slow.port, **one_each), "quick": provider(quick.port, **one_each)}
        ) as proxy,
    ):
        waiting = asyncio.ensure_future(proxy.ask("GET", "/slow/x"))
        await slow.arrived.wait()
        for _ in range(5):
            assert (await proxy.ask("GET", "/quick/x")).status == 200
        assert not waiting.done()
        go.set()
        assert (await waiting).status == 200
        assert (slow.connections, quick.connections) == (1, 1)


@pytest.mark.item(19)
async def test_two_providers_at_one_address_share_no_connection() -> None:
    async with RawProvider([answer()]) as upstream:
        both = {"one": provider(upstream.port), "two": provider(upstream.port)}
        async with sidecar(both) as proxy:
            for name in ("one", "two", "one", "two"):
                assert (await proxy.ask("GET", f"/{name}/x")).status == 200
            assert [seen.connection for seen in upstream.seen] == [1, 2, 1, 2]
