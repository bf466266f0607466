"""A deadline, or a caller who leaves, in the middle: nothing is lost, cut short or leaked."""

import asyncio

import pytest

from proxy.listener.journeys import Journeys
from proxy.system import SystemClock
from proxy.terms import Answered, Call, Failed, Outcome, RouteEffect
from tests.support import make, raw
from tests.support.log import lines
from tests.support.raw import RawProvider, answer
from tests.support.sidecar import provider, sidecar

PIECE = b"acct-1;amount=1\n"
HEAD = b"POST /acme/payouts HTTP/1.1\r\nHost: x\r\nPaysluice-Timeout: 60ms\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)


@pytest.mark.parametrize("leaves", [True, False], ids=["caller_leaves", "caller_goes_on"])
@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_an_upload_that_outlasts_its_deadline_never_looks_whole_to_the_provider(
    framing: str, leaves: bool
) -> None:
    upstream = RawProvider([answer()])
    async with upstream, sidecar({"acme": provider(upstream.port)}, replay_body="8B") as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        by_chunks = framing == "chunked"
        field = b"Transfer-Encoding: chunked" if by_chunks else b"Content-Length: 160"
        piece = CHUNK if by_chunks else PIECE
        writer.write(HEAD + field + b"\r\n\r\n" + piece * 2)
        assert await reader.readexactly(12) == b"HTTP/1.1 504"
        if not leaves:
            writer.write(piece * 2 + (b"0\r\n\r\n" if by_chunks else b""))
        writer.close()
        connections = proxy.app._providers["acme"]
        async with asyncio.timeout(3):
            await proxy.app._journeys.drain(3)
        (seen,) = upstream.seen
        assert len(seen.body) < 160  # only a whole body is kept by the provider
        assert seen.body == b""
        status = connections.status()
        assert (status["connections"], status["in_flight"]) == ({"idle": 0, "busy": 0}, 0)


class Streamed:
    """An answer's rest that counts how often it is let go."""

    length = None

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("effect", list(RouteEffect))
async def test_an_answer_that_comes_in_the_moment_of_the_deadline_is_told_or_let_go(
    effect: RouteEffect,
) -> None:
    loop = asyncio.get_running_loop()
    journeys = Journeys(SystemClock(), lambda _: None)
    for step in range(40):
        rest, told = Streamed(), asyncio.Event()
        call = make.call(effect=effect, deadline=loop.time() + 0.002)
        # The service is told in the very iteration in which the deadline comes, or next to it.
        loop.call_at(call.deadline + (step - 20) / 100_000, told.set)

        async def service(call: Call, rest: Streamed = rest, told: asyncio.Event = told) -> Outcome:
            await told.wait()
            call.progress.hold(rest.close)
            return make.ok()

        outcome = await journeys.run(service, call)
        await journeys.drain(1)
        await asyncio.sleep(0)
        if isinstance(outcome, Answered):
            assert rest.closed == 0
        else:
            assert isinstance(outcome, Failed)
            # A read is cancelled; what is read to its end is let go, since nobody waits for it.
            assert rest.closed or effect is RouteEffect.READ


async def test_a_call_that_ended_as_its_waiter_was_cancelled_is_let_go() -> None:
    rest, go = Streamed(), asyncio.Event()

    async def service(call: Call) -> Outcome:
        await go.wait()
        call.progress.hold(rest.close)
        return make.ok()

    journeys = Journeys(SystemClock(), lambda _: None)
    deadline = asyncio.get_running_loop().time() + 5
    waiter = asyncio.ensure_future(journeys.run(service, make.call(deadline=deadline)))
    await asyncio.sleep(0)
    go.set()
    await asyncio.sleep(0)  # the service's task has ended, and its waiter not yet gone on
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert rest.closed == 1


@pytest.mark.item(113)
async def test_the_time_for_the_head_does_not_bound_the_body() -> None:
    async def head_then_body(connected: raw.Connected) -> None:
        connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await connected.writer.drain()
        await asyncio.sleep(0.15)
        connected.writer.write(b"ok")

    times = {"headers": "100ms", "attempt": "5s"}
    async with (
        RawProvider([head_then_body]) as upstream,
        sidecar({"acme": provider(upstream.port, timeouts=times)}) as proxy,
    ):
        reply = await proxy.ask(body=b"{}")
        assert (reply.status, reply.body) == (200, b"ok")


async def test_a_bug_after_the_answer_came_gives_its_connection_back() -> None:
    size = 2_000_000
    async with (
        RawProvider([answer(200, b"x" * size)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        one = proxy.app._providers["acme"]

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError

        one._breakers.of("other").settle = fail  # type: ignore[method-assign]
        reply = await proxy.ask(body=b"{}")
        assert (reply.status, reply.json["outcome"]) == (500, "unknown")
        status = one.status()
        assert status["connections"]["busy"] == 0  # type: ignore[index]
        assert (status["in_flight"], one.kept.room.in_flight) == (0, 0)


async def test_a_provider_that_hangs_is_waited_for_and_costs_us_nothing() -> None:
    async with (
        RawProvider([raw.hang]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        await proxy.ask(headers={"Paysluice-Timeout": "200ms"}, body=b"{}")
        (line,) = lines(proxy, "responded")
        assert line["duration_ms"] >= 200
        # What is left is ours: far less than the wait, on however busy a machine.
        assert line["duration_ms"] - line["upstream_ms"] < 100
