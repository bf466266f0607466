"""What may have happened once a byte was handed over, against a provider that counts them."""

import asyncio
from dataclasses import dataclass

import pytest

from proxy.terms import Delivery, Effect, ProxyError, Refusal, Refused, StreamEnd
from tests.attempt import conftest
from tests.attempt.conftest import MakeLeg
from tests.conformance.counting import MAY_HAVE_HAPPENED, Counter, failed
from tests.support import raw
from tests.support.raw import RawProvider, Step, answer, send

leg = conftest.leg

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
PIECE = b"x" * 65_536


@dataclass
class Endless:
    """A body without an end; counts the pieces that were asked for."""

    pieces: int = 0
    length: int | None = None

    async def read(self) -> bytes | StreamEnd:
        self.pieces += 1
        await asyncio.sleep(0)  # as a caller's bytes come: never without the loop
        return PIECE


AFTER: dict[str, tuple[Step, ProxyError]] = {
    "fin": (raw.close, ProxyError.CONNECTION_TERMINATED),
    "rst": (raw.reset, ProxyError.CONNECTION_TERMINATED),
    "partial_head_fin": (send(b"HTTP/1.1 2", keep=False), ProxyError.HTTP_RESPONSE_INCOMPLETE),
    "partial_head_rst": (send(HEAD[:-2], reset=True), ProxyError.HTTP_RESPONSE_INCOMPLETE),
    "interim_then_fin": (
        send(b"HTTP/1.1 100 Continue\r\n\r\n", keep=False),
        ProxyError.HTTP_RESPONSE_INCOMPLETE,
    ),
    "no_http": (send(b"SSH-2.0-x\r\n\r\n"), ProxyError.HTTP_PROTOCOL_ERROR),
    "odd_status": (answer(999), ProxyError.HTTP_PROTOCOL_ERROR),
    "switching": (send(b"HTTP/1.1 101 X\r\n\r\n"), ProxyError.HTTP_PROTOCOL_ERROR),
    "oversized_head": (
        send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000),
        ProxyError.HTTP_RESPONSE_HEADER_SIZE,
    ),
    "two_lengths": (
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
        ProxyError.HTTP_PROTOCOL_ERROR,
    ),
    "cut_by_length": (send(HEAD + b"1", keep=False), ProxyError.HTTP_RESPONSE_INCOMPLETE),
    "cut_in_chunks": (send(CHUNKED, keep=False), ProxyError.HTTP_RESPONSE_INCOMPLETE),
    "cut_by_rst": (send(CHUNKED, reset=True), ProxyError.HTTP_RESPONSE_INCOMPLETE),
    "bad_chunk": (send(CHUNKED + b"zz\r\n"), ProxyError.HTTP_RESPONSE_INCOMPLETE),
}
KNOWN_STATUS = {"cut_by_length": 200, "cut_in_chunks": 200, "cut_by_rst": 200, "bad_chunk": 200}


@pytest.mark.item(8)
@pytest.mark.parametrize("name", AFTER)
async def test_a_request_that_was_read_whole_may_have_happened(leg: MakeLeg, name: str) -> None:
    step, reason = AFTER[name]
    seen = Counter(step, enough=1)
    async with (
        RawProvider([answer()], before_read=seen) as provider,
        leg(provider.port, attempt="5s") as one,
    ):
        outcome = await one.send(body=b"{}")
        failed(outcome, reason, MAY_HAVE_HAPPENED)
        assert outcome.status == KNOWN_STATUS.get(name)
        assert seen.data.endswith(b"Content-Length: 2\r\n\r\n{}")
        assert provider.connections == 1


SILENT: dict[str, tuple[bytes, dict[str, str], ProxyError]] = {
    "no_head": (b"", {"attempt": "500ms"}, ProxyError.HTTP_RESPONSE_TIMEOUT),
    "half_a_head": (HEAD[:20], {"attempt": "500ms"}, ProxyError.HTTP_RESPONSE_TIMEOUT),
    "body_is_late": (HEAD + b"1", {"attempt": "500ms"}, ProxyError.CONNECTION_READ_TIMEOUT),
    "body_stalls": (HEAD + b"1", {"body_idle": "40ms"}, ProxyError.CONNECTION_READ_TIMEOUT),
}


@pytest.mark.item(8)
@pytest.mark.parametrize("name", SILENT)
async def test_a_request_that_is_never_answered_may_have_happened(leg: MakeLeg, name: str) -> None:
    said, times, reason = SILENT[name]
    seen = Counter(send(said), enough=1)
    async with (
        RawProvider([answer()], before_read=seen) as provider,
        leg(provider.port, **{"attempt": "5s", **times}) as one,
    ):
        failed(await one.send(body=b"{}"), reason, MAY_HAVE_HAPPENED)
        assert seen.data.endswith(b"{}")


@pytest.mark.item(8)
@pytest.mark.parametrize("end", [raw.close, raw.reset], ids=["fin", "rst"])
async def test_an_upload_that_is_cut_off_half_way_may_have_happened(
    leg: MakeLeg, end: Step
) -> None:
    seen = Counter(end, enough=300_000)
    async with (
        RawProvider([answer()], before_read=seen) as provider,
        leg(provider.port, attempt="5s") as one,
    ):
        outcome = await one.send(body=Endless())
        failed(outcome, ProxyError.CONNECTION_TERMINATED, (Delivery.PARTIAL, Effect.UNKNOWN))
        assert len(seen.data) >= 300_000
        assert (one.pool.idle, one.pool.busy) == (0, 0)


@pytest.mark.item(8)
async def test_an_upload_that_stalls_half_way_may_have_happened(leg: MakeLeg) -> None:
    seen = Counter(enough=300_000)
    body = Endless()
    async with (
        RawProvider([answer()], before_read=seen) as provider,
        leg(provider.port, attempt="5s", write_idle="40ms") as one,
    ):
        outcome = await one.send(body=body)
        failed(outcome, ProxyError.CONNECTION_WRITE_TIMEOUT, (Delivery.PARTIAL, Effect.UNKNOWN))
        assert 300_000 <= len(seen.data) < body.pieces * len(PIECE)


@pytest.mark.item(8, 10)
async def test_a_caller_that_breaks_off_is_told_apart_from_the_provider(leg: MakeLeg) -> None:
    pieces: list[bytes | StreamEnd] = [b"abc", StreamEnd.CUT]

    class Broken:
        length = 6

        async def read(self) -> bytes | StreamEnd:
            return pieces.pop(0)

    seen = Counter()
    async with RawProvider([answer()], before_read=seen) as provider, leg(provider.port) as one:
        outcome = await one.send(body=Broken())
        assert isinstance(outcome, Refused)
        assert outcome.reason is Refusal.CALLER_LEFT
        assert (outcome.delivery, outcome.effect) == (Delivery.PARTIAL, Effect.UNKNOWN)
        await asyncio.wait_for(seen.ended.wait(), 5)
        assert bytes(seen.data).partition(b"\r\n\r\n")[2] in {b"", b"abc"}
