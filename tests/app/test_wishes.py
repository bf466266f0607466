"""What a caller may ask of a whole sidecar: less time, no retries, errors of another shape."""

import asyncio
from collections.abc import Callable

import pytest

from tests.support import raw
from tests.support.caller import sound_envelope
from tests.support.log import lines
from tests.support.raw import RawProvider, answer, hang
from tests.support.sidecar import provider, sidecar

DEBUG = {"level": "debug", "format": "json"}


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not is_so():  # noqa: ASYNC110 - what is waited for is a line of the log
            await asyncio.sleep(0)


@pytest.mark.item(113)
async def test_a_payment_that_hangs_is_504_unknown_and_its_late_answer_is_recorded() -> None:
    go = asyncio.Event()

    async def late(connected: raw.Connected) -> None:
        await go.wait()
        await answer(201)(connected)

    async with (
        RawProvider([late]) as upstream,
        sidecar({"acme": provider(upstream.port)}, log=DEBUG) as proxy,
    ):
        reply = await proxy.ask("POST", "/acme/x", {"Paysluice-Timeout": "50ms"}, b"{}")
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (504, "gateway_timeout")
        assert (envelope["outcome"], envelope["attempts"]) == ("unknown", 1)
        assert envelope["retryable"] is False
        assert lines(proxy, "attempt_ended") == []
        go.set()
        await until(lambda: bool(lines(proxy, "call_ended")))
        ended = lines(proxy, "attempt_ended")[0]
        assert (ended["status"], ended["request_id"]) == (201, envelope["request_id"])
        assert upstream.requests == 1


async def test_a_read_whose_deadline_comes_is_given_up() -> None:
    async with (
        RawProvider([hang]) as upstream,
        sidecar({"acme": provider(upstream.port)}, log=DEBUG) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Timeout": "30ms"})
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["outcome"]) == (504, "rejected")
        assert envelope["retryable"] is True
        await until(lambda: proxy.app.status()["journeys"] == 0)


@pytest.mark.item(113)
async def test_a_callers_timeout_cannot_lengthen_ours() -> None:
    timeouts = {"total": "30ms", "attempt": "30ms"}
    async with (
        RawProvider([hang]) as upstream,
        sidecar({"acme": provider(upstream.port, timeouts=timeouts)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Timeout": "8s"})
        assert reply.status == 504


async def test_a_caller_can_turn_retries_off() -> None:
    async with (
        RawProvider([answer(503)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Retry": "off"})
        assert (sound_envelope(reply)["attempts"], upstream.requests) == (1, 1)
        await proxy.ask("GET", "/acme/x", {"Paysluice-Retry": "on"})
        assert upstream.requests == 4


SAD = b'{"code": "no_money", "message": "Insufficient funds"}'


async def test_passthrough_keeps_the_providers_words_and_our_headers_still_tell() -> None:
    fields = [("Content-Type", "application/json"), ("X-Trace", "t-1")]
    async with (
        RawProvider([answer(402, SAD, fields)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask("POST", "/acme/x", {"Paysluice-Errors": "passthrough"}, b"{}")
        assert (reply.status, reply.body) == (402, SAD)
        assert reply.header("X-Trace") == "t-1"
        assert reply.header("Paysluice-Error-Code") == "insufficient_funds"
        assert reply.header("Paysluice-Outcome") == "declined"
        assert reply.header("Paysluice-Retryable") == "false"
        # What we say ourselves is an envelope whatever was asked for.
        own = await proxy.ask("GET", "/acme/../x", {"Paysluice-Errors": "passthrough"})
        assert sound_envelope(own)["error_code"] == "malformed_request"


async def test_a_caller_can_ask_for_problem_json() -> None:
    async with (
        RawProvider([answer(404)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Accept": "application/problem+json"})
        envelope = sound_envelope(reply, media_type="application/problem+json")
        assert {"type", "title", "status", "detail", "instance"} <= set(envelope)
        assert envelope["status"] == reply.status == 404
        assert (await proxy.ask("GET", "/acme/x")).header("Content-Type") == "application/json"
