"""What was handed over when an attempt failed: table 3.1 of the standards, over real sockets."""

import asyncio
import socket

import pytest

from proxy.terms import (
    Answered,
    AttemptEnded,
    Delivery,
    Effect,
    Failed,
    Kind,
    ProxyError,
    Refusal,
    Refused,
    RouteEffect,
)
from tests.support import make, raw
from tests.support.raw import RawProvider, Step, answer, send

from .conftest import MakeLeg

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.item(8)
async def test_a_refused_connection_sent_nothing(leg: MakeLeg) -> None:
    async with leg(closed_port()) as one:
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.CONNECTION_REFUSED
        assert (outcome.delivery, outcome.effect) == (Delivery.NONE, Effect.NONE)
        assert outcome.attempts == 1
        assert not one.call().progress.is_sending


@pytest.mark.item(8)
async def test_a_name_that_does_not_resolve_sent_nothing(leg: MakeLeg) -> None:
    async with leg(80, host="provider.invalid") as one:
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason in {ProxyError.DNS_ERROR, ProxyError.DNS_TIMEOUT}
        assert (outcome.delivery, outcome.effect) == (Delivery.NONE, Effect.NONE)


@pytest.mark.item(8, 18)
async def test_no_connection_free_in_time_sent_nothing(leg: MakeLeg) -> None:
    async with (
        RawProvider([raw.hang]) as provider,
        leg(provider.port, connections={"max": 1}, pool="20ms") as one,
    ):
        first = asyncio.ensure_future(one.send())
        await provider.arrived.wait()
        outcome = await one.send()
        first.cancel()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.CONNECTION_LIMIT_REACHED
        assert (outcome.delivery, outcome.attempts) == (Delivery.NONE, 0)
        assert provider.requests == 1


SENT: dict[str, tuple[list[Step], ProxyError, int | None]] = {
    "read_then_fin": ([raw.close], ProxyError.CONNECTION_TERMINATED, None),
    "read_then_rst": ([raw.reset], ProxyError.CONNECTION_TERMINATED, None),
    "partial_head_then_fin": (
        [send(b"HTTP/1.1 200 O", keep=False)],
        ProxyError.HTTP_RESPONSE_INCOMPLETE,
        None,
    ),
    "no_answer": ([raw.hang], ProxyError.HTTP_RESPONSE_TIMEOUT, None),
    "not_http": ([send(b"hello\r\n\r\n")], ProxyError.HTTP_PROTOCOL_ERROR, None),
    "status_600": ([answer(600)], ProxyError.HTTP_PROTOCOL_ERROR, None),
    "body_cut_by_fin": ([send(HEAD + b"ok", keep=False)], ProxyError.HTTP_RESPONSE_INCOMPLETE, 200),
    "body_cut_by_rst": ([send(HEAD + b"ok", reset=True)], ProxyError.HTTP_RESPONSE_INCOMPLETE, 200),
    "body_stalls": ([send(HEAD + b"ok")], ProxyError.CONNECTION_READ_TIMEOUT, 200),
    "unknown_coding": (
        [send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")],
        ProxyError.HTTP_RESPONSE_TRANSFER_CODING,
        None,
    ),
}


@pytest.mark.item(8)
@pytest.mark.parametrize("name", SENT)
@pytest.mark.parametrize("effect", list(RouteEffect))
async def test_what_fails_after_a_byte_was_sent_may_have_happened_unless_it_only_read(
    leg: MakeLeg, name: str, effect: RouteEffect
) -> None:
    steps, reason, status = SENT[name]
    attempt = "300ms" if name in {"no_answer", "body_stalls"} else "5s"
    async with RawProvider(steps) as provider, leg(provider.port, attempt=attempt) as one:
        outcome = await one.send(effect=effect)
        assert isinstance(outcome, Failed)
        assert outcome.reason is reason
        assert outcome.status == status
        assert outcome.delivery is Delivery.COMPLETE
        assert outcome.effect is (Effect.NONE if effect is RouteEffect.READ else Effect.UNKNOWN)
        assert outcome.is_transient
        assert provider.requests == 1
        ended = [event for event in one.events if isinstance(event, AttemptEnded)]
        assert [(event.reason, event.delivery) for event in ended] == [(reason, Delivery.COMPLETE)]


@pytest.mark.item(8)
async def test_a_connection_reset_before_the_request_is_read_may_have_happened(
    leg: MakeLeg,
) -> None:
    # Accepted by the kernel, so the bytes were handed over: nobody can tell (standards E5).
    async def refuse(connected: raw.Connected) -> None:
        await connected.reader.readexactly(1)
        connected.reset()

    async with (
        RawProvider([raw.close], before_read=refuse) as provider,
        leg(provider.port) as one,
    ):
        outcome = await one.send(body=b"x" * 10_000)
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.CONNECTION_TERMINATED
        assert (outcome.delivery, outcome.effect) == (Delivery.COMPLETE, Effect.UNKNOWN)
        assert provider.requests == 0


@pytest.mark.item(58)
@pytest.mark.parametrize(
    "step",
    [
        send(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"),
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA"),
        send(b"HTTP/1.1 201 Created\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\nok"),
        send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        send(b"HTTP/1.1 200 OK\r\n\r\nok", keep=False),
    ],
)
async def test_a_success_in_odd_framing_is_a_success(leg: MakeLeg, step: Step) -> None:
    async with RawProvider([step]) as provider, leg(provider.port) as one:
        outcome = await one.send()
        assert isinstance(outcome, Answered)
        assert outcome.kind is Kind.OK
        assert outcome.effect is Effect.SETTLED


@pytest.mark.item(12)
async def test_bytes_on_an_idle_connection_never_answer_the_next_request(leg: MakeLeg) -> None:
    pushed = asyncio.Event()

    async def answer_then_push(connected: raw.Connected) -> None:
        connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nA")
        await connected.writer.drain()
        await asyncio.sleep(0.02)
        connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON")
        await connected.writer.drain()
        pushed.set()

    async with (
        RawProvider([answer_then_push, answer(200, b"B")]) as provider,
        leg(provider.port) as one,
    ):
        first = await one.send(method="GET", effect=RouteEffect.READ, body=b"")
        await pushed.wait()
        second = await one.send(method="GET", effect=RouteEffect.READ, body=b"")
        assert isinstance(first, Answered)
        assert isinstance(second, Answered)
        assert (first.answer.body, second.answer.body) == (b"A", b"B")
        assert provider.connections == 2


@pytest.mark.item(14)
async def test_a_connection_that_closed_while_idle_is_not_written_to(leg: MakeLeg) -> None:
    async with (
        RawProvider([answer(200, b"A", keep=False), answer(200, b"B")]) as provider,
        leg(provider.port) as one,
    ):
        await one.send()
        await asyncio.sleep(0.02)
        outcome = await one.send()
        assert isinstance(outcome, Answered)
        assert outcome.answer.body == b"B"
        assert [seen.connection for seen in provider.seen] == [1, 2]


@pytest.mark.item(14)
async def test_a_payment_without_a_key_takes_no_connection_that_was_idle_for_long(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.attempt.pool.FRESH_S", 0.0)
    async with RawProvider([answer()]) as provider, leg(provider.port) as one:
        await one.send()
        await one.send()
        assert provider.connections == 2
        await one.send(effect=RouteEffect.READ, method="GET", body=b"")
        assert provider.connections == 2


@pytest.mark.item(14)
@pytest.mark.parametrize(("covers_failures", "connections"), [(True, 1), (False, 2)])
async def test_a_key_that_a_failure_ends_makes_a_connection_no_safer(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch, connections: int, *, covers_failures: bool
) -> None:
    monkeypatch.setattr("proxy.attempt.pool.FRESH_S", 0.0)
    key = make.key(covers_failures=covers_failures)
    async with RawProvider([answer()]) as provider, leg(provider.port) as one:
        await one.send(key=key)
        await one.send(key=key)
        assert provider.connections == connections


async def test_a_lost_claim_sends_nothing(leg: MakeLeg) -> None:
    async def lose() -> bool:
        return False

    async with RawProvider([answer()]) as provider, leg(provider.port) as one:
        outcome = await one.send(before_first_byte=lose)
        assert outcome == Refused(reason=Refusal.CLAIM_LOST)
        assert provider.requests == 0


async def test_nothing_is_begun_for_a_caller_who_left(leg: MakeLeg) -> None:
    async with RawProvider([answer()]) as provider, leg(provider.port) as one:
        call = one.call()
        call.progress.abandon()
        assert await one.attempt(call) == Refused(reason=Refusal.CALLER_LEFT)
        assert provider.requests == 0


async def test_a_cancelled_attempt_gives_its_connection_back_closed(leg: MakeLeg) -> None:
    async with RawProvider([raw.hang]) as provider, leg(provider.port) as one:
        task = asyncio.ensure_future(one.send())
        await provider.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (one.pool.idle, one.pool.busy) == (0, 0)


async def test_a_deadline_passes_while_connecting_and_nothing_was_sent(leg: MakeLeg) -> None:
    async with RawProvider([answer()]) as provider, leg(provider.port) as one:
        outcome = await one.send(deadline=asyncio.get_running_loop().time() - 1)
        assert isinstance(outcome, Failed | Refused)
        assert outcome.delivery is Delivery.NONE
        assert provider.requests == 0


@pytest.mark.item(12)
async def test_a_provider_that_speaks_before_it_is_asked_is_not_stormed(leg: MakeLeg) -> None:
    async with (
        RawProvider([answer()], before_read=send(b"220 mail.example ESMTP\r\n")) as provider,
        leg(provider.port, attempt="3s") as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert provider.connections <= 3
        assert outcome.reason in {
            ProxyError.CONNECTION_TERMINATED,  # the banner came before a byte was written
            ProxyError.HTTP_PROTOCOL_ERROR,  # or after: it is no answer
        }
        assert one.pool.busy == 0
