"""A listener over real sockets, in front of a service that does as it is told."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from proxy.ledger import KeyRule
from proxy.listener import CallerSettings, Destination, Handler, Journeys, Listener
from proxy.listener.connection import CallerConnection
from proxy.normalise.settings import ErrorSettings
from proxy.route import ProviderRoutes, Router
from proxy.system import SystemClock, new_id
from proxy.terms import (
    Call,
    Event,
    FaultOccurred,
    Key,
    KeyHandled,
    Outcome,
    Refusal,
    Refused,
    Responded,
    Service,
    StreamEnd,
)
from tests.listener.streams import Rest
from tests.support import make
from tests.support.caller import Caller, caller, head, sound_envelope

SECRET = "4111111111111111"
RULE = KeyRule("header", "Idempotency-Key", is_honoured=True, covers_failures=True)
PAY = head("POST /acme/payments HTTP/1.1", "Content-Length: 2") + b"{}"


@dataclass
class Door:
    """A listener that runs, and what came of it."""

    port: int
    listener: Listener
    handler: Handler
    journeys: Journeys
    events: list[Event]
    calls: list[Call] = field(default_factory=list)

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def door(
    service: Service,
    *,
    callers: dict[str, Any] | None = None,
    breaks_on: tuple[type[Event], ...] = (),
    **members: Any,
) -> AsyncIterator[Door]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        if type(event) in breaks_on:
            raise LookupError

    calls: list[Call] = []

    async def watched(call: Call) -> Outcome:
        calls.append(call)
        return await service(call)

    clock = SystemClock()
    base = Destination(
        name="acme",
        service=watched,
        errors=ErrorSettings(),
        total_s=5.0,
        replay_body_bytes=1000,
        key_rule=lambda *_: None,
        requires_key=False,
        generates_key=False,
        paused="none",
        tenant=lambda _: "",
        peek=lambda _: None,
    )
    settings = CallerSettings(**(callers or {}))
    journeys = Journeys(clock, emit)
    handler = Handler(
        Router([ProviderRoutes(name="acme", mount=b"/acme/")]),
        {"acme": replace(base, **members)},
        journeys,
        settings,
        clock,
        emit,
        new_id,
        max_body_bytes=2000,
        is_draining=lambda: False,
    )
    listener = Listener(handler, settings)
    port = await listener.start_tcp("127.0.0.1", 0)
    try:
        yield Door(port, listener, handler, journeys, events, calls)
    finally:
        await listener.close()
        await journeys.drain(0.0)


async def ok(_: Call) -> Outcome:
    return make.ok()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not is_so():  # noqa: ASYNC110 - the other side of a socket: nothing here tells
            await asyncio.sleep(0)


async def test_a_request_becomes_a_call_and_its_outcome_an_answer() -> None:
    async with door(ok, tenant=lambda _: "t1") as here, caller(here.port) as one:
        fields = ("X-A: 1", "Paysluice-Retry: off", "Paysluice-Timeout: 1s", "Content-Length: 2")
        await one.send(head("POST /acme/payments HTTP/1.1", *fields) + b"{}")
        assert (await one.answer()).body == b"{}"
        (call,) = here.calls
        assert (call.method, call.target, call.body) == ("POST", b"/payments", b"{}")
        assert call.headers == ((b"X-A", b"1"), (b"Via", b"1.1 paysluice"))
        assert (call.tenant, call.may_repeat) == ("t1", False)
        assert call.deadline - asyncio.get_running_loop().time() < 1.0
        (responded,) = here.told(Responded)
        assert (responded.status, responded.is_whole) == (200, True)
        assert responded.request_id == call.request_id


@pytest.mark.parametrize("sends", [False, True])
async def test_a_bug_in_a_journey_is_internal_and_unknown_where_a_byte_was_sent(
    sends: bool,
) -> None:
    async def buggy(call: Call) -> Outcome:
        if sends:
            call.progress.began_sending()
        raise LookupError(SECRET)

    async with door(buggy) as here, caller(here.port) as one:
        await one.send(PAY)
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (500, "internal_server_error")
        assert envelope["outcome"] == ("unknown" if sends else "not_sent")
        assert SECRET.encode() not in reply.body
        (fault,) = here.told(FaultOccurred)
        assert (fault.fault, fault.request_id) == ("LookupError", envelope["request_id"])
        await one.send(PAY)
        assert (await one.answer()).status == 500


async def test_a_bug_before_a_call_is_made_is_internal_and_not_sent() -> None:
    def buggy(_: object) -> str:
        raise LookupError(SECRET)

    async with door(ok, tenant=buggy) as here, caller(here.port) as one:
        await one.send(PAY)
        envelope = sound_envelope(await one.answer())
        assert (envelope["error_code"], envelope["outcome"]) == (
            "internal_server_error",
            "not_sent",
        )
        assert here.calls == []
        assert [event.fault for event in here.told(FaultOccurred)] == ["LookupError"]


class Unusable(tuple[Any, ...]):
    """Header fields of an answer that cannot be read."""

    __slots__ = ()

    def __iter__(self) -> Any:
        raise LookupError(SECRET)


async def test_a_bug_in_telling_of_a_payment_that_was_made_never_says_that_it_was_not() -> None:
    async def charge(call: Call) -> Outcome:
        call.progress.began_sending()
        outcome = make.ok(answer=make.answer(201))
        object.__setattr__(outcome.answer, "headers", Unusable())
        call.progress.settle(outcome.effect, outcome.delivery, 1)
        return outcome

    async with door(charge) as here, caller(here.port) as one:
        await one.send(PAY)
        envelope = sound_envelope(await one.answer())
        assert (envelope["outcome"], envelope["attempts"]) == ("unknown", 1)
        assert len(here.told(FaultOccurred)) == 1


async def test_where_even_a_bug_cannot_be_told_of_nothing_is_claimed() -> None:
    def buggy(_: object) -> str:
        raise LookupError(SECRET)

    broken = (FaultOccurred,)
    async with door(ok, tenant=buggy, breaks_on=broken) as here, caller(here.port) as one:
        await one.send(PAY)
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["outcome"]) == (500, "unknown")
        assert SECRET.encode() not in reply.body
        assert await one.rest() == b""


async def test_a_bug_after_an_answer_adds_nothing_to_it() -> None:
    async with door(ok, breaks_on=(Responded,)) as here, caller(here.port) as one:
        await one.send(PAY)
        assert (await one.rest()).count(b"HTTP/1.1") <= 1
        assert len(here.told(FaultOccurred)) == 1


async def test_who_asks_for_the_end_of_a_connection_that_has_ended_is_told_at_once() -> None:
    async with door(ok) as here:
        server = here.listener._server
        assert server is not None
        connection = server()
        assert isinstance(connection, CallerConnection)
        left: list[bool] = []
        connection.on_lost(lambda: left.append(True))
        assert left == [True]


async def test_a_bug_in_the_middle_of_an_answer_cuts_it() -> None:
    class Buggy(Rest):
        async def read(self) -> bytes | StreamEnd:
            raise LookupError

    rest = Buggy()

    async def begin(call: Call) -> Outcome:
        call.progress.hold(rest.close)
        return make.ok(answer=replace(make.answer(200, b"begun"), rest=rest))

    async with door(begin) as here, caller(here.port) as one:
        await one.send(PAY)
        assert b"\r\n0\r\n\r\n" not in await one.rest()
        assert rest.closed == 1
        assert len(here.told(FaultOccurred)) == 1


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
        await until(lambda: here.handler._under_way == 1)
        one.writer.close()
        await until(lambda: bool(here.told(Responded)))
        assert here.calls == []


async def test_a_second_request_is_no_concern_of_the_first_ones_end() -> None:
    async with door(ok) as here, caller(here.port) as one:
        await one.send(PAY)
        await one.answer()
    assert not here.calls[0].progress.is_abandoned


async def test_a_key_is_told_of_once() -> None:
    members = {"key_rule": lambda *_: RULE, "requires_key": True}
    async with door(ok, **members) as here, caller(here.port) as one:
        await one.send(PAY)
        assert sound_envelope(await one.answer())["error_code"] == "idempotency_key_missing"
        await one.send(head("POST /acme/x HTTP/1.1", "Idempotency-Key: k-1"))
        await one.answer()
        assert [event.result for event in here.told(KeyHandled)] == ["missing", "new"]


async def test_a_generated_key_comes_back_to_its_caller() -> None:
    async def keyed(call: Call) -> Outcome:
        assert isinstance(call.key, Key)
        return make.ok()

    members = {"key_rule": lambda *_: RULE, "generates_key": True}
    async with door(keyed, **members) as here, caller(here.port) as one:
        await one.send(PAY)
        reply = await one.answer()
        assert here.calls[0].key is not None
        assert reply.header("Paysluice-Idempotency-Key") == here.calls[0].key.value


@pytest.mark.parametrize("reason", [Refusal.OVERLOADED, Refusal.DRAINING])
async def test_a_refusal_of_the_journey_keeps_the_connection(reason: Refusal) -> None:
    async def refuse(_: Call) -> Outcome:
        return Refused(reason=reason)

    async with door(refuse) as here, caller(here.port) as one:
        for _ in range(2):
            await one.send(PAY)
            assert sound_envelope(await one.answer())["error_type"] == "unavailable"


async def test_a_drain_waits_for_the_last_byte_and_no_longer_than_it_may() -> None:
    go = asyncio.Event()

    async def slow(_: Call) -> Outcome:
        await go.wait()
        return make.ok()

    async with door(slow) as here, caller(here.port) as one:
        await here.listener.drain(0.001)  # nobody is there
        await one.send(PAY)
        await until(lambda: bool(here.calls))
        await here.listener.drain(0.001)
        draining = asyncio.ensure_future(here.listener.drain(5.0))
        await asyncio.sleep(0)
        assert not draining.done()
        go.set()
        await draining
        assert (await one.answer()).status == 200


async def test_a_listener_that_was_never_opened_can_be_closed() -> None:
    async with door(ok) as here:
        await Listener(here.handler, CallerSettings()).close()


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


async def test_the_habits_of_aiohttp_that_the_connection_leans_on() -> None:
    # A head, a fault and an answer's framing are covered by bytes in tests/journey; here: that
    # a fault of the parser comes to `handle_error`, with aiohttp's classes and their arguments.
    callers = {"max_line": 100, "max_header_bytes": 200, "max_headers": 8}
    async with door(ok, callers=callers) as here:
        for request, code in {
            head("GET /acme/" + "x" * 100 + " HTTP/1.1"): 414,
            head("GET /acme/x HTTP/1.1", "X-A: " + "x" * 300): 431,
            head("GET /acme/x HTTP/1.1", *[f"X-{n}: 1" for n in range(9)]): 431,
            b"GET /acme/x HTTP/1.1\r\nbad header\r\n\r\n": 400,
        }.items():
            async with caller(here.port) as one:
                await one.send(request)
                reply = await one.answer()
                assert (reply.status, json.loads(reply.body)["outcome"]) == (code, "not_sent")
        assert {event.method for event in here.told(Responded)} == {"_OTHER"}


async def test_bodies_are_kept_streamed_or_refused_by_their_size() -> None:
    whole: list[bytes] = []

    async def read(call: Call) -> Outcome:
        body = call.body
        if isinstance(body, bytes):
            whole.append(body)
            return make.ok()
        pieces = b""
        while isinstance(piece := await body.read(), bytes):
            pieces += piece
        whole.append(pieces)
        return make.ok()

    async with door(read, callers={"body_timeout": "20ms"}) as here:
        for size, status in {1000: 200, 1001: 200, 2000: 200, 2001: 413}.items():
            async with caller(here.port) as one:
                line = head("PUT /acme/x HTTP/1.1", f"Content-Length: {size}")
                await one.send(line + b"x" * size)
                assert (await one.answer()).status == status
        assert [len(body) for body in whole] == [1000, 1001, 2000]
        assert isinstance(here.calls[0].body, bytes)
        assert not isinstance(here.calls[1].body, bytes)
        chunks = b"3e9\r\n" + b"x" * 1001 + b"\r\n"
        for body, status in {
            chunks + chunks: 413,
            b"2\r\n{": 408,
            b"zz\r\n": 400,
        }.items():
            async with caller(here.port) as one:
                await one.send(head("PUT /acme/x HTTP/1.1", "Transfer-Encoding: chunked"))
                await until(lambda: here.handler._under_way == 1)
                await one.send(body)
                reply = await one.answer()
                if status != 413:  # as a stream it ends where its service ends it
                    assert sound_envelope(reply)["outcome"] == "not_sent"
                    assert reply.status == status


async def test_a_body_that_is_kept_whole_is_refused_once_it_grows_too_large() -> None:
    async with door(ok, replay_body_bytes=4000) as here, caller(here.port) as one:
        chunk = b"7d1\r\n" + b"x" * 2001 + b"\r\n"
        await one.send(head("PUT /acme/x HTTP/1.1", "Transfer-Encoding: chunked") + chunk)
        assert (await one.answer()).status == 413
        assert here.calls == []


@pytest.mark.parametrize(
    ("line", "fields", "status"),
    [
        ("TRACE /acme/x HTTP/1.1", [], 405),
        ("PROPFIND /acme/x HTTP/1.1", [], 501),
        ("POST /nobody HTTP/1.1", [], 404),
        ("POST /acme/../x HTTP/1.1", [], 400),
        ("POST /acme/x HTTP/1.1", ["Via: 1.1 paysluice"], 502),
    ],
)
async def test_what_is_refused_makes_no_call(line: str, fields: list[str], status: int) -> None:
    async with door(ok) as here, caller(here.port) as one:
        await one.send(head(line, *fields))
        reply = await one.answer()
        assert reply.status == status
        sound_envelope(reply)
        assert here.calls == []


@pytest.mark.parametrize("paused", ["payments", "all"])
async def test_what_is_paused_is_refused_before_100(paused: str) -> None:
    async with door(ok, paused=paused) as here, caller(here.port) as one:
        fields = ("Expect: 100-continue", "Content-Length: 2")
        await one.send(head("POST /acme/x HTTP/1.1", *fields))
        assert sound_envelope(await one.answer())["error_code"] == "paused"


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_look_at_the_breaker_comes_before_100(is_open: bool) -> None:
    refused = Refused(reason=Refusal.CIRCUIT_OPEN) if is_open else None
    async with door(ok, peek=lambda _: refused) as here, caller(here.port) as one:
        fields = ("Expect: 100-continue", "Content-Length: 2")
        await one.send(head("POST /acme/x HTTP/1.1", *fields))
        assert (await one.answer()).status == (503 if is_open else 100)


async def test_a_unix_socket_takes_callers_too(tmp_path: Path) -> None:
    async with door(ok) as here:
        path = tmp_path / "p.sock"
        await here.listener.start_unix(str(path), 0o600)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(str(path))
        await Caller(reader, writer).send(PAY)
        assert (await Caller(reader, writer).answer()).status == 200
        writer.close()
