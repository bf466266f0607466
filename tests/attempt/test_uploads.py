"""Bodies on their way to a provider: streamed, broken off, answered early, stalled."""

import asyncio
from dataclasses import dataclass

import pytest

from proxy.terms import Answered, Delivery, Effect, Failed, ProxyError, Refusal, Refused, StreamEnd
from tests.support import raw
from tests.support.raw import RawProvider, answer

from .conftest import MakeLeg


@dataclass
class Upload:
    """A scripted body of a caller."""

    pieces: list[bytes | StreamEnd]
    length: int | None = None

    async def read(self) -> bytes | StreamEnd:
        return self.pieces.pop(0) if len(self.pieces) > 1 else self.pieces[0]


@pytest.mark.parametrize("length", [None, 6])
async def test_a_streamed_body_arrives_byte_for_byte(leg: MakeLeg, length: int | None) -> None:
    body = Upload([b"abc", b"def", StreamEnd.WHOLE], length)
    async with RawProvider([answer()]) as provider, leg(provider.port) as one:
        outcome = await one.send(body=body)
        assert isinstance(outcome, Answered)
        assert outcome.delivery is Delivery.COMPLETE
        assert provider.seen[0].body == b"abcdef"


@pytest.mark.item(8, 10)
@pytest.mark.parametrize(
    ("end", "reason"),
    [(StreamEnd.CUT, Refusal.CALLER_LEFT), (StreamEnd.TOO_LARGE, Refusal.TOO_LARGE)],
)
async def test_a_caller_that_breaks_off_its_body_is_no_fault_of_the_provider(
    leg: MakeLeg, end: StreamEnd, reason: Refusal
) -> None:
    async with RawProvider([answer()]) as provider, leg(provider.port) as one:
        outcome = await one.send(body=Upload([b"abc", end]))
        assert isinstance(outcome, Refused)
        assert outcome.reason is reason
        assert (outcome.delivery, outcome.effect) == (Delivery.PARTIAL, Effect.UNKNOWN)
        assert one.pool.busy == 0
        assert provider.bytes_seen < 1000


@pytest.mark.item(61)
async def test_an_early_answer_ends_the_upload_and_is_delivered(leg: MakeLeg) -> None:
    async def early(connected: raw.Connected) -> None:
        await connected.reader.readuntil(b"\r\n\r\n")
        connected.writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
        await connected.writer.drain()
        await connected.reader.read()

    class Endless:
        length = None

        async def read(self) -> bytes | StreamEnd:
            await asyncio.sleep(0.001)
            return b"x" * 1000

    async with (
        RawProvider([raw.close], before_read=early) as provider,
        leg(provider.port, attempt="3s") as one,
    ):
        outcome = await one.send(body=Endless())
        assert isinstance(outcome, Answered)
        assert outcome.answer.status == 413
        assert outcome.delivery is Delivery.PARTIAL
        assert (one.pool.idle, one.pool.busy) == (0, 0)


@pytest.mark.item(8, 113)
@pytest.mark.parametrize(("write_idle", "attempt"), [("50ms", "3s"), ("3s", "50ms")])
async def test_an_upload_that_stalls_is_a_write_time_out(
    leg: MakeLeg, write_idle: str, attempt: str
) -> None:
    async def never_read(connected: raw.Connected) -> None:
        connected.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(30)

    async with (
        RawProvider([raw.close], before_read=never_read) as provider,
        leg(provider.port, write_idle=write_idle, attempt=attempt) as one,
    ):
        outcome = await one.send(body=b"x" * 30_000_000)
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.CONNECTION_WRITE_TIMEOUT
        assert outcome.effect is Effect.UNKNOWN
