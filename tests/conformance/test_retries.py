"""What is sent again and what is not, and that every try can be seen: counted at the provider."""

import asyncio
import re
from typing import Any

import pytest

from proxy.terms import RouteEffect, effect_of_method
from tests.conformance.addresses import dead_port
from tests.support import raw
from tests.support.caller import caller, head, sound_envelope
from tests.support.log import lines
from tests.support.raw import Connected, RawProvider, Step, answer, send
from tests.support.sidecar import FAST, Sidecar, provider, sidecar

READ, IDEMPOTENT, PAYMENT = RouteEffect.READ, RouteEffect.IDEMPOTENT, RouteEffect.PAYMENT
METHODS = {
    **dict.fromkeys(("GET", "HEAD", "OPTIONS", "QUERY"), READ),
    **dict.fromkeys(("PUT", "DELETE"), IDEMPOTENT),
    # TRACE and CONNECT are never sent on: what they promise is of no use to us.
    **dict.fromkeys(("TRACE", "CONNECT", "POST", "PATCH", "FOO", "get", "Put", ""), PAYMENT),
}
FORWARDED = ["GET", "HEAD", "OPTIONS", "QUERY", "PUT", "DELETE", "POST", "PATCH"]
OK = answer(200, b"{}")


@pytest.mark.item(1)
@pytest.mark.parametrize(("method", "effect"), METHODS.items())
def test_a_method_promises_what_rfc_9110_says_and_an_unknown_one_nothing(
    method: str, effect: RouteEffect
) -> None:
    assert effect_of_method(method) is effect


@pytest.mark.item(1, 2)
@pytest.mark.parametrize("method", FORWARDED)
async def test_after_a_lost_answer_only_an_idempotent_method_goes_again(method: str) -> None:
    repeats = METHODS[method] is not PAYMENT
    body = b"{}" if method in {"QUERY", "PUT", "POST", "PATCH"} else None
    async with (
        RawProvider([raw.close, OK]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask(method, "/acme/x", {"Idempotency-Key": "k"}, body)
        assert {seen.line for seen in upstream.seen} == {f"{method} /x HTTP/1.1".encode()}
        assert upstream.requests == (2 if repeats else 1)
        assert reply.status == (200 if repeats else 502)
        if not repeats:
            envelope = sound_envelope(reply)
            assert (envelope["outcome"], envelope["retryable"]) == ("unknown", False)
            assert reply.header("Proxy-Status") == "paysluice; error=connection_terminated"


@pytest.mark.item(3)
@pytest.mark.parametrize(("attempts", "requests"), [(None, 3), (1, 1), (2, 2)])
async def test_a_call_is_tried_no_more_often_than_is_set(
    attempts: int | None, requests: int
) -> None:
    retry: dict[str, Any] = FAST if attempts is None else FAST | {"max_attempts": attempts}
    async with (
        RawProvider([raw.close]) as upstream,
        sidecar({"acme": provider(upstream.port, retry=retry)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x")
        assert (reply.status, upstream.requests) == (502, requests)
        assert sound_envelope(reply)["attempts"] == requests


@pytest.mark.item(3, 11)
async def test_no_try_is_begun_that_does_not_fit_before_the_deadline() -> None:
    backoff = {"base": "500ms", "jitter": "none"}
    retry = {"max_attempts": 9, "backoff": backoff, "budget": FAST["budget"]}
    loop = asyncio.get_running_loop()
    async with (
        RawProvider([raw.close]) as upstream,
        sidecar({"acme": provider(upstream.port, retry=retry)}) as proxy,
    ):
        began = loop.time()
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Timeout": "400ms"})
        assert loop.time() - began < 0.4  # told at once, not at the deadline
        envelope = sound_envelope(reply)
        assert (upstream.requests, envelope["attempts"]) == (1, 1)
        assert envelope["retry_after"] is not None


FAULTS: dict[str, Step] = {
    "lost": raw.close,
    "reset": raw.reset,
    "503": answer(503),
    "cut": send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", keep=False),
    "no_http": send(b"x\r\n\r\n"),
    "429": answer(429),
    "404": answer(404),
    "200": OK,
}


def counted(proxy: Sidecar, name: str) -> int:
    text = proxy.app._metrics.render("text/plain")[0].decode()
    found = re.findall(rf"^{name}{{.*}} (\d+)\.0$", text, re.MULTILINE)
    return sum(int(value) for value in found)


@pytest.mark.item(4)
async def test_every_request_that_a_provider_saw_is_counted_and_logged_as_a_try() -> None:
    steps = [FAULTS[name] for name in (*FAULTS, *reversed(FAULTS), *sorted(FAULTS))]
    told = 0
    async with (
        RawProvider(steps) as upstream,
        sidecar(
            {"acme": provider(upstream.port, breaker={"min_requests": 1000})},
            log={"level": "debug"},
        ) as proxy,
    ):
        while upstream.requests < len(steps):
            for method in ("GET", "POST", "PUT", "DELETE"):
                body = b"{}" if method in {"POST", "PUT"} else None
                reply = await proxy.ask(method, "/acme/x", body=body)
                told += int(str(reply.header("Paysluice-Attempts")))
        answered = counted(proxy, "paysluice_upstream_responses_total")
        failed = counted(proxy, "paysluice_attempt_failures_total")
        assert answered > 0
        assert failed > 0
        assert answered + failed == upstream.requests == told
        assert counted(proxy, "paysluice_upstream_duration_seconds_count") == upstream.requests
        assert len(lines(proxy, "attempt_ended")) == upstream.requests


@pytest.mark.item(5)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("step", [raw.close, raw.reset], ids=["fin", "rst"])
async def test_a_streamed_put_whose_answer_is_lost_is_sent_once_and_never_empty(
    step: Step, framing: str
) -> None:
    body = b"x" * 4096
    chunked = framing == "chunked"
    sent = b"1000\r\n%b\r\n0\r\n\r\n" % body if chunked else body
    field = "Transfer-Encoding: chunked" if chunked else "Content-Length: 4096"
    async with (
        RawProvider([step, OK]) as upstream,
        sidecar({"acme": provider(upstream.port)}, replay_body="1KiB") as proxy,
        caller(proxy.port) as one,
    ):
        await one.send(head("PUT /acme/x HTTP/1.1", field) + sent)
        envelope = sound_envelope(await one.answer())
        assert (envelope["outcome"], envelope["attempts"]) == ("unknown", 1)
        assert [seen.body for seen in upstream.seen] == [body]


@pytest.mark.item(5)
async def test_a_kept_body_is_sent_again_whole() -> None:
    body = bytes(range(256)) * 16
    async with (
        RawProvider([raw.reset, OK]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        assert (await proxy.ask("PUT", "/acme/x", body=body)).status == 200
        assert [seen.body for seen in upstream.seen] == [body, body]


@pytest.mark.item(6)
@pytest.mark.parametrize("status", sorted({*range(400, 452)} - {408, 425, 429}))
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_no_other_4xx_is_ever_sent_again(method: str, status: int) -> None:
    async with (
        RawProvider([answer(status), OK]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        await proxy.ask(method, "/acme/x", body=b"{}")
        assert upstream.requests == 1


SAYS: dict[str, tuple[Step, str]] = {
    "lost": (raw.close, "unknown"),
    "cut_head": (send(b"HTTP/1.1 2", keep=False), "unknown"),
    "no_http": (send(b"x\r\n\r\n"), "unknown"),
    "500": (answer(500), "unknown"),
    "409": (answer(409), "unknown"),
    "400": (answer(400), "rejected"),
    "429": (answer(429), "rejected"),
    "402": (answer(402), "declined"),
}


@pytest.mark.item(9)
@pytest.mark.parametrize("name", SAYS)
async def test_a_payment_that_failed_says_what_is_known_of_it(name: str) -> None:
    step, outcome = SAYS[name]
    retry = {"max_attempts": 1}
    async with (
        RawProvider([step]) as upstream,
        sidecar({"acme": provider(upstream.port, retry=retry)}) as proxy,
    ):
        envelope = sound_envelope(await proxy.ask("POST", "/acme/x", body=b"{}"))
        assert (envelope["outcome"], envelope["attempts"]) == (outcome, 1)


@pytest.mark.item(9)
async def test_a_payment_of_which_nothing_was_sent_says_so_and_how_often_it_was_tried() -> None:
    async with sidecar({"acme": provider(dead_port())}) as proxy:
        envelope = sound_envelope(await proxy.ask("POST", "/acme/x", body=b"{}"))
        assert (envelope["outcome"], envelope["attempts"]) == ("not_sent", 3)
        assert envelope["retryable"] is True


@pytest.mark.item(10)
async def test_callers_that_break_off_their_uploads_do_not_open_the_circuit() -> None:
    begun, all_ended = asyncio.Event(), asyncio.Event()
    ended = 0

    async def upload(connected: Connected) -> None:
        nonlocal ended
        await connected.reader.readuntil(b"\r\n\r\n")
        begun.set()
        await connected.reader.read()
        ended += 1
        if ended == 20:
            all_ended.set()

    breaker = {"min_requests": 1, "failure_ratio": 0.01}
    async with (
        RawProvider([OK], before_read=upload) as upstream,
        sidecar({"acme": provider(upstream.port, breaker=breaker)}, replay_body="1B") as proxy,
        asyncio.timeout(10),
    ):
        for _ in range(20):
            begun.clear()
            async with caller(proxy.port) as one:
                await one.send(head("POST /acme/x HTTP/1.1", "Content-Length: 99") + b"{...")
                await begun.wait()
                one.writer.transport.abort()
        await proxy.app._journeys.drain(5)
        await all_ended.wait()
        assert upstream.connections == 20
        upstream.before_read = None
        assert (await proxy.ask("POST", "/acme/x", body=b"{}")).status == 200
        assert lines(proxy, "breaker_moved") == []
        assert lines(proxy, "retry_scheduled") == []


@pytest.mark.item(11)
@pytest.mark.parametrize(
    ("retry_after", "attempts", "waits"), [("1", 1, False), ("0", 3, True), ("99", 1, False)]
)
async def test_retry_after_is_waited_for_where_it_fits_and_handed_back_where_not(
    retry_after: str, attempts: int, *, waits: bool
) -> None:
    throttled = answer(429, headers=[("Retry-After", retry_after)])
    async with (
        RawProvider([throttled]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Timeout": "900ms"})
        assert (reply.status, upstream.requests) == (429, attempts)
        assert bool(lines(proxy, "retry_scheduled")) is waits
        if not waits:
            assert reply.header("Retry-After") == retry_after
