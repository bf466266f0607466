"""The bytes of an answer, framing and all."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiohttp import web

from proxy.listener.settings import MIN_BYTES_PER_S
from proxy.listener.write import Message, Writer
from proxy.terms import StreamEnd
from tests.listener.streams import Rest
from tests.support.clock import FakeClock

DATE = b"Date: Tue, 14 Nov 2023 22:30:00 GMT\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Wire:
    """What aiohttp gives of a connection: a transport, and a writer that can be waited for."""

    method: str = "GET"
    version: tuple[int, int] = (1, 1)
    written: bytes = b""
    is_aborted: bool = False
    is_closing_now: bool = False
    stall: type[Exception] | None = None
    closes_after: int = 1_000_000
    transport: Any = field(init=False)
    writer: Any = field(init=False)
    protocol: Any = field(init=False)

    def __post_init__(self) -> None:
        self.transport = self.writer = self.protocol = self

    @property
    def writing_paused(self) -> bool:
        return self.stall is not None

    def get_write_buffer_size(self) -> int:
        return 1

    def get_extra_info(self, _: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.is_closing_now or len(self.written) > self.closes_after

    def write(self, data: bytes) -> None:
        assert not self.is_closing()
        self.written += data

    def abort(self) -> None:
        self.is_aborted = True

    async def drain(self) -> None:
        if self.stall is TimeoutError:
            await asyncio.Event().wait()
        if self.stall is not None:
            raise self.stall

    @property
    def request(self) -> web.BaseRequest:
        return cast("web.BaseRequest", self)


def writer() -> Writer:
    return Writer(FakeClock(), stall_s=0.001)


def message(status: int = 200, body: bytes = b"{}", **members: Any) -> Message:
    return Message(status=status, headers=members.pop("headers", ()), body=body, **members)


@pytest.mark.item(57, 83)
@pytest.mark.parametrize(
    ("told", "wire", "expected"),
    [
        (message(), Wire(), b"HTTP/1.1 200 OK\r\n%bContent-Length: 2\r\n\r\n{}"),
        (message(299), Wire(), b"HTTP/1.1 299 \r\n%bContent-Length: 2\r\n\r\n{}"),
        (
            message(200, reason=b"F\xefne"),
            Wire(),
            b"HTTP/1.1 200 F\xefne\r\n%bContent-Length: 2\r\n\r\n{}",
        ),
        (message(204, b""), Wire(), b"HTTP/1.1 204 No Content\r\n%b\r\n"),
        (message(304, b""), Wire(), b"HTTP/1.1 304 Not Modified\r\n%b\r\n"),
        (
            message(length=99),
            Wire("HEAD"),
            b"HTTP/1.1 200 OK\r\n%bContent-Length: 99\r\n\r\n",
        ),
        (message(), Wire("HEAD"), b"HTTP/1.1 200 OK\r\n%b\r\n"),
        (
            message(rest=Rest(b"cd", StreamEnd.WHOLE), body=b"ab"),
            Wire(),
            CHUNKED + b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
        ),
        (
            message(rest=Rest(b"cd", StreamEnd.WHOLE), body=b""),
            Wire(),
            CHUNKED + b"2\r\ncd\r\n0\r\n\r\n",
        ),
        (
            message(rest=Rest(b"cd", StreamEnd.WHOLE), body=b"ab"),
            Wire(version=(1, 0)),
            b"HTTP/1.1 200 OK\r\n%b\r\nabcd",
        ),
        (
            message(rest=Rest(b"cd", StreamEnd.WHOLE, length=4), body=b"ab"),
            Wire(),
            b"HTTP/1.1 200 OK\r\n%bContent-Length: 4\r\n\r\nabcd",
        ),
    ],
)
async def test_an_answer_is_framed_as_its_caller_can_read_it(
    told: Message, wire: Wire, expected: bytes
) -> None:
    assert await writer().write(wire.request, told, close=False)
    assert wire.written == expected % DATE
    assert not wire.is_aborted


async def test_the_last_answer_of_a_connection_says_so() -> None:
    wire = Wire()
    await writer().write(wire.request, message(headers=((b"X-A", b"1"),)), close=True)
    head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\n" + DATE + b"Content-Length: 2\r\nConnection: close\r\n"
    assert wire.written == head + b"\r\n{}"


@pytest.mark.item(59)
async def test_a_date_that_is_there_is_kept() -> None:
    wire = Wire()
    await writer().write(wire.request, message(headers=((b"date", b"then"),)), close=False)
    assert wire.written.lower().count(b"date:") == 1


@pytest.mark.item(59)
def test_the_date_is_written_anew_each_second() -> None:
    clock = FakeClock()
    one = Writer(clock, stall_s=1.0)
    first = one.head(Wire().request, message(), close=False)
    assert one.head(Wire().request, message(), close=False) == first
    clock.now += 1.0
    assert one.head(Wire().request, message(), close=False) != first


@pytest.mark.parametrize("is_gone", [False, True])
async def test_a_caller_who_has_left_is_written_nothing(is_gone: bool) -> None:
    wire = Wire(is_closing_now=True)
    if is_gone:
        wire.transport = None
    assert not await writer().write(wire.request, message(rest=Rest()), close=False)
    assert not await writer().write(wire.request, message(), close=False)
    assert wire.written == b""


async def test_a_caller_who_leaves_in_the_middle_ends_the_stream() -> None:
    wire = Wire(closes_after=10)
    assert not await writer().write(wire.request, message(rest=Rest(b"c", b"d")), close=False)
    assert wire.written.endswith(b"2\r\n{}\r\n")


@pytest.mark.item(62)
async def test_a_stream_that_was_cut_has_no_final_chunk() -> None:
    rest, wire = Rest(b"cd", StreamEnd.CUT), Wire()
    assert not await writer().write(wire.request, message(rest=rest), close=False)
    assert wire.is_aborted
    assert wire.written.endswith(b"2\r\ncd\r\n")


class Leaving(Rest):
    """A rest whose last piece comes when the caller has gone."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    async def read(self) -> bytes | StreamEnd:
        self._wire.transport = None
        return StreamEnd.WHOLE


async def test_a_stream_whose_caller_is_gone_at_its_end_was_not_delivered() -> None:
    wire = Wire()
    assert not await writer().write(wire.request, message(rest=Leaving(wire)), close=False)
    assert not wire.is_aborted


@pytest.mark.parametrize("stall", [TimeoutError, ConnectionResetError])
@pytest.mark.parametrize("has_rest", [False, True])
async def test_a_caller_who_takes_nothing_is_let_go(stall: type[Exception], has_rest: bool) -> None:
    rest, wire = Rest(b"c", StreamEnd.WHOLE), Wire(stall=stall)
    told = message(rest=rest if has_rest else None)
    assert not await writer().write(wire.request, told, close=False)
    assert wire.is_aborted is (has_rest or stall is TimeoutError)  # an answer kept has no more


async def test_a_caller_who_is_gone_while_it_is_waited_for_needs_no_abort() -> None:
    wire = Wire(stall=ConnectionResetError)

    class Gone(Wire):
        async def drain(self) -> None:
            wire.transport = None
            raise ConnectionResetError

    wire.writer = Gone()
    assert not await writer().write(wire.request, message(), close=False)
    assert not wire.is_aborted


class Slow(Wire):
    """Has taken *step* bytes more each time that it is looked at, of eight."""

    def __init__(self, step: int) -> None:
        super().__init__(stall=TimeoutError)
        self.step = step
        self.left = 8 + step
        self.is_drained = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        self.left -= self.step
        if self.left <= 0:
            self.is_drained.set()
        return self.left

    async def drain(self) -> None:
        await self.is_drained.wait()


@pytest.mark.parametrize(("step", "is_whole"), [(4, True), (1, False)])
async def test_a_caller_who_takes_just_enough_to_be_no_stall_is_let_go_all_the_same(
    step: int, is_whole: bool
) -> None:
    wire = Slow(step)
    stall_s = 2 / MIN_BYTES_PER_S  # so that two bytes are enough
    slow = Writer(FakeClock(), stall_s=stall_s)
    assert await slow.write(wire.request, message(), close=False) is is_whole
    assert wire.is_aborted is not is_whole
