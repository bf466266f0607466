"""A request through a listener over real sockets: its call, its key, its body, its answer."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from proxy.admin import bind_unix
from proxy.ledger import KeyRule
from proxy.system import SystemClock
from proxy.terms import Call, Key, KeyHandled, Outcome, Refusal, Refused, Responded, RouteEffect
from tests.support import make
from tests.support.caller import Caller, caller, head, sound_envelope
from tests.support.door import PAY, door, ok, until

RULE = KeyRule("header", "Idempotency-Key", is_honoured=True, covers_failures=True)


async def test_a_request_becomes_a_call_and_its_outcome_an_answer() -> None:
    async with door(ok) as here, caller(here.port) as one:
        fields = ("X-A: 1", "Paysluice-Retry: off", "Paysluice-Timeout: 1s", "Content-Length: 2")
        await one.send(head("POST /acme/payments HTTP/1.1", *fields) + b"{}")
        assert (await one.answer()).body == b"{}"
        (call,) = here.calls
        assert (call.method, call.target, call.body) == ("POST", b"/payments", b"{}")
        assert call.headers == ((b"X-A", b"1"), (b"Via", b"1.1 paysluice"))
        assert call.may_repeat is False
        assert call.deadline - SystemClock().monotonic() < 1.0  # a loop's time lags behind
        (responded,) = here.told(Responded)
        assert (responded.status, responded.is_whole) == (200, True)
        assert responded.request_id == call.request_id


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
                await until(lambda: here.owed.count == 1)
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


@pytest.mark.item(55)
async def test_what_is_paused_is_refused_before_100() -> None:
    async with (
        door(ok, is_paused=lambda effect: effect is RouteEffect.PAYMENT) as here,
        caller(here.port) as one,
    ):
        fields = ("Expect: 100-continue", "Content-Length: 2")
        await one.send(head("POST /acme/x HTTP/1.1", *fields))
        assert sound_envelope(await one.answer())["error_code"] == "paused"


@pytest.mark.item(55)
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
        await here.listener.start_socket(bind_unix(path, 0o600))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(str(path))
        await Caller(reader, writer).send(PAY)
        assert (await Caller(reader, writer).answer()).status == 200
        writer.close()
