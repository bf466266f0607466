"""Who leaves, and what ends: a caller, an answer, a drain, a close."""

import asyncio
from types import SimpleNamespace
from typing import cast

from aiohttp import web
from msgspec.structs import replace

from proxy.listener import CallerSettings, Listener
from proxy.listener.connection import CallerConnection
from proxy.terms import Call, Outcome, Refusal, Refused, Responded, StreamEnd
from tests.listener.streams import Rest
from tests.support import make
from tests.support.caller import Caller, caller, head
from tests.support.door import PAY, Door, door, ok, until


async def test_who_asks_for_the_end_of_a_connection_that_has_ended_is_told_at_once() -> None:
    async with door(ok) as here:
        server = here.listener._server
        assert server is not None
        connection = server()
        assert isinstance(connection, CallerConnection)
        left: list[bool] = []
        connection.on_lost(lambda: left.append(True))
        assert left == [True]


def hang_up(here: Door) -> None:
    """End every connection this instant, as a reset does."""
    assert here.listener._server is not None
    for connection in here.listener._server.connections:
        connection.force_close()


async def test_a_caller_that_went_away_meanwhile_is_written_nothing_more() -> None:
    doors: list[Door] = []

    class Leaving(Rest):
        async def read(self) -> bytes | StreamEnd:
            hang_up(doors[0])
            raise LookupError

    async def begin(_: Call) -> Outcome:
        return make.ok(answer=replace(make.answer(200, b"begun"), rest=Leaving()))

    def look(_: object) -> None:
        hang_up(doors[0])

    asked = head("POST /acme/x HTTP/1.1", "Expect: 100-continue", "Content-Length: 2")
    for request, members in ((PAY, {}), (asked, {"peek": look})):
        async with door(begin, **members) as here:
            doors[:] = [here]
            async with caller(here.port) as one:
                await one.send(request)
                assert b"100 Continue" not in await one.rest()
            gone = cast("web.BaseRequest", SimpleNamespace(transport=None))
            assert not here.handler.answer_fault(gone, Refused(reason=Refusal.MALFORMED)).keep_alive


async def test_what_is_left_of_an_answer_is_let_go_whatever_becomes_of_it() -> None:
    rest = Rest(b"more", StreamEnd.WHOLE)

    async def failed(call: Call) -> Outcome:
        call.progress.hold(rest.close)
        return make.broken(answer=replace(make.answer(503, b"begun"), rest=rest))

    async with door(failed) as here, caller(here.port) as one:
        await one.send(PAY)
        assert (await one.answer()).status == 503
        assert rest.closed == 1


async def test_a_caller_who_leaves_abandons_its_call_which_goes_on() -> None:
    go = asyncio.Event()

    async def slow(_: Call) -> Outcome:
        await go.wait()
        return make.ok()

    async with door(slow) as here:
        async with caller(here.port) as one:
            await one.send(PAY)
            await until(lambda: bool(here.calls))
            assert not here.calls[0].progress.is_abandoned
        await until(lambda: here.calls[0].progress.is_abandoned)
        assert here.journeys.under_way == 1
        go.set()
        await until(lambda: bool(here.told(Responded)))
        assert not here.told(Responded)[0].is_whole


async def test_a_caller_who_left_while_its_body_was_read_is_known_to_have_left() -> None:
    async with door(ok) as here, caller(here.port) as one:
        await one.send(head("POST /acme/x HTTP/1.1", "Content-Length: 5") + b"{}")
        await until(lambda: here.owed.count == 1)
        one.writer.close()
        await until(lambda: bool(here.told(Responded)))
        assert here.calls == []


async def test_a_second_request_is_no_concern_of_the_first_ones_end() -> None:
    async with door(ok) as here, caller(here.port) as one:
        await one.send(PAY)
        await one.answer()
    assert not here.calls[0].progress.is_abandoned


async def test_a_drain_waits_for_the_last_byte_and_no_longer_than_it_may() -> None:
    go = asyncio.Event()

    async def slow(_: Call) -> Outcome:
        await go.wait()
        return make.ok()

    async with door(slow) as here, caller(here.port) as one:
        await here.owed.wait(0.001)  # nobody is there
        await one.send(PAY)
        await until(lambda: bool(here.calls))
        await here.owed.wait(0.001)
        draining = asyncio.ensure_future(here.owed.wait(5.0))
        await asyncio.sleep(0)
        assert not draining.done()
        go.set()
        await draining
        assert (await one.answer()).status == 200


async def test_a_listener_that_was_never_opened_can_be_closed() -> None:
    async with door(ok) as here:
        await Listener(here.handler, CallerSettings(), here.owed).close()


async def test_a_close_ends_what_is_under_way_at_once() -> None:
    async def forever(_: Call) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    async with door(forever) as here, caller(here.port) as one:
        await one.send(PAY)
        await until(lambda: bool(here.calls))
        async with asyncio.timeout(1.0):
            await here.listener.close()
        assert await gone(one)


async def gone(one: Caller) -> bool:
    try:
        return await one.rest() == b""
    except ConnectionResetError:
        return True
