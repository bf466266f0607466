"""A caller's body, over aiohttp's own stream."""

import asyncio

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import TransferEncodingError

from proxy.listener.body import CallerBody
from proxy.terms import Refusal, StreamEnd


def stream(*pieces: bytes, ends: bool = True) -> StreamReader:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    content = StreamReader(protocol, limit=2**16, loop=loop)
    for piece in pieces:
        content.feed_data(piece)
    if ends:
        content.feed_eof()
    return content


def body(
    content: StreamReader, *, length: int | None = None, max_bytes: int = 100, idle_s: float = 5.0
) -> CallerBody:
    return CallerBody(content, length=length, max_bytes=max_bytes, idle_s=idle_s)


async def read_all(one: CallerBody) -> tuple[bytes, StreamEnd]:
    whole = b""
    while isinstance(piece := await one.read(), bytes):
        assert piece
        whole += piece
    return whole, piece


async def test_an_empty_body_is_not_waited_for() -> None:
    assert await body(stream(ends=False), length=0).keep(10) == b""


async def test_a_body_that_fits_is_kept_whole() -> None:
    one = body(stream(b"abc", b"def"))
    assert one.length is None
    assert await one.keep(6) == b"abcdef"


async def test_a_body_announced_as_too_large_to_keep_is_not_begun() -> None:
    one = body(stream(b"abcdef"), length=6)
    assert await one.keep(5) is None
    assert one.length == 6
    assert await read_all(one) == (b"abcdef", StreamEnd.WHOLE)


async def test_what_was_read_before_it_proved_too_large_to_keep_is_not_lost() -> None:
    content = stream(b"abc", ends=False)
    one = body(content)
    keeping = asyncio.ensure_future(one.keep(5))
    await asyncio.sleep(0)
    content.feed_data(b"def")
    assert await keeping is None
    content.feed_data(b"ghi")
    content.feed_eof()
    assert await read_all(one) == (b"abcdefghi", StreamEnd.WHOLE)
    assert await one.read() is StreamEnd.WHOLE


async def test_a_body_beyond_its_bound_is_too_large_and_stays_so() -> None:
    one = body(stream(b"x" * 101))
    assert await one.keep(200) is StreamEnd.TOO_LARGE
    assert await one.read() is StreamEnd.TOO_LARGE


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (TransferEncodingError("zz"), Refusal.MALFORMED),
        (ConnectionResetError(), Refusal.CALLER_LEFT),
        (RuntimeError("whatever aiohttp thinks of next"), Refusal.CALLER_LEFT),
    ],
)
async def test_a_body_that_breaks_off_is_cut_and_says_why(
    fault: Exception, reason: Refusal
) -> None:
    content = stream(ends=False)
    content.set_exception(fault)
    one = body(content)
    assert await one.keep(10) is StreamEnd.CUT
    assert one.cut_by is reason


async def test_a_body_that_stalls_is_cut() -> None:
    one = body(stream(b"abc", ends=False), idle_s=0.001)
    assert await one.keep(10) is StreamEnd.CUT
    assert one.cut_by is Refusal.CALLER_TOO_SLOW


async def test_a_reader_that_is_cancelled_is_cancelled() -> None:
    reading = asyncio.ensure_future(body(stream(ends=False)).read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
