"""Writes an answer to a caller, byte for byte: aiohttp's own writer drops opaque bytes."""

import asyncio
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import web
from msgspec import Struct

from proxy.terms import AnswerStream, Clock, Headers, StreamEnd
from proxy.terms.http import NO_CONTENT, NOT_MODIFIED, first

from .outgoing import is_flushed, is_tls, reset, taken_bytes
from .settings import MIN_BYTES_PER_S

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_HTTP_1_0: Final = (1, 0)
_TLS_PIECE_BYTES: Final = 16_384  # a record
_TURNS: Final = 3  # of the loop, in which the socket took more: nothing waits below TLS
_LOOK_FIRST_S: Final = 0.01
_LOOK_EVERY_S: Final = 0.5
_BODILESS: Final = frozenset({NO_CONTENT, NOT_MODIFIED})
_REASONS: Final = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


class Message(Struct, frozen=True):
    """An answer as it is to be written, framing apart."""

    status: int
    headers: Headers
    body: bytes
    rest: AnswerStream | None = None
    reason: bytes | None = None
    length: int | None = None  # of a body that is not sent: the answer to a HEAD


class Writer:
    """Writes answers; one for all connections."""

    def __init__(self, clock: Clock, *, stall_s: float) -> None:
        self._clock = clock
        self._stall_s = stall_s
        self._date = (0, b"")

    async def write(self, request: web.BaseRequest, message: Message, *, close: bool) -> bool:
        """Write *message*; False where it did not reach its end, and looks it.

        A stream that is left over is for the caller of this to close.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            return False
        is_chunked = self._is_chunked(request, message)
        head = self.head(request, message, close=close, is_chunked=is_chunked)
        is_bodiless = request.method == "HEAD" or message.status in _BODILESS
        if is_bodiless or message.rest is None:
            whole = head if is_bodiless else head + message.body
            return await self._send(request, whole, is_last=True)
        begun = head + _framed(message.body, is_chunked=is_chunked)
        is_whole = False
        try:
            if await self._send(request, begun):
                is_whole = await self._pipe(request, message.rest, is_chunked=is_chunked)
        finally:
            # An answer cut short must look it: without its last chunk or byte it does.
            if not is_whole and request.transport is not None:
                is_open = self.ends_with_connection(request, message)
                reset(transport) if is_open else transport.abort()
        return is_whole

    def ends_with_connection(self, request: web.BaseRequest, message: Message) -> bool:
        """Whether the end of *message* is that of its connection: if cut, only a reset tells.

        A clean close would say that this is all (RFC 9112 section 8).
        """
        has_no_end = message.rest is not None and message.rest.length is None
        return has_no_end and not self._is_chunked(request, message)

    def head(
        self, request: web.BaseRequest, message: Message, *, close: bool, is_chunked: bool = False
    ) -> bytes:
        """Give the head of *message*: its fields as they are, then Date and framing."""
        reason = message.reason
        if reason is None:
            reason = _REASONS.get(message.status, b"")
        parts = [b"HTTP/1.1 %d %b\r\n" % (message.status, reason)]
        for name, value in message.headers:
            parts += (name, b": ", value, b"\r\n")
        if first(message.headers, b"date") is None:
            parts.append(self._date_line())
        if is_chunked:
            parts.append(b"Transfer-Encoding: chunked\r\n")
        else:
            length = _length(request, message)
            if length is not None:
                parts.append(b"Content-Length: %d\r\n" % length)
        if close:
            parts.append(b"Connection: close\r\n")
        parts.append(b"\r\n")
        return b"".join(parts)

    async def _pipe(
        self, request: web.BaseRequest, rest: AnswerStream, *, is_chunked: bool
    ) -> bool:
        while isinstance(piece := await rest.read(), bytes):
            if not await self._send(request, _framed(piece, is_chunked=is_chunked)):
                return False
        if piece is StreamEnd.WHOLE:
            last = b"0\r\n\r\n" if is_chunked else b""
            return await self._send(request, last, is_last=True)
        return False

    async def _send(self, request: web.BaseRequest, data: bytes, *, is_last: bool = False) -> bool:
        """Write *data*; False where the caller left, or took too little of it.

        The caller must take `MIN_BYTES_PER_S` in one of two times of a stall. What is last is done
        when the kernel has it all.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            return False
        if not is_tls(transport):
            transport.write(data)
            return not request.protocol.writing_paused or await self._drain(request, transport)
        # Over TLS only what follows shows that the kernel did not take what came before.
        for place in range(0, len(data), _TLS_PIECE_BYTES):
            transport.write(data[place : place + _TLS_PIECE_BYTES])
            if request.protocol.writing_paused and not await self._drain(request, transport):
                return False
        return not is_last or await self._flush(request, transport)

    async def _drain(self, request: web.BaseRequest, transport: asyncio.Transport) -> bool:
        """Wait until the transport takes more; for one without TLS, until the kernel has it all."""
        pace = Pace(transport, self._clock, self._stall_s)
        # One task for all of it: what aiohttp waits for here does not survive a cancelled wait.
        drained = asyncio.ensure_future(request.writer.drain())
        try:
            while not drained.done():
                await asyncio.wait({drained}, timeout=pace.left_s)
                if not drained.done() and not pace.is_kept():
                    reset(transport)
                    return False
            return request.transport is not None and drained.exception() is None
        finally:
            drained.cancel()

    async def _flush(self, request: web.BaseRequest, transport: asyncio.Transport) -> bool:
        """Wait until the kernel has what lies below TLS: look, ever less often."""
        pace = Pace(transport, self._clock, self._stall_s)
        turns, look_in_s = 0, _LOOK_FIRST_S
        while turns < _TURNS:
            if request.transport is None:
                return False
            if is_flushed(transport):
                turns += 1
                await self._clock.sleep(0.0)
                continue
            turns = 0
            await self._clock.sleep(max(0.0, min(look_in_s, pace.left_s)))
            look_in_s = min(look_in_s * 2, _LOOK_EVERY_S)
            if pace.left_s <= 0 and not pace.is_kept():
                reset(transport)
                return False
        return True

    def _is_chunked(self, request: web.BaseRequest, message: Message) -> bool:
        has_no_end = message.rest is not None and message.rest.length is None
        is_bodiless = request.method == "HEAD" or message.status in _BODILESS
        return has_no_end and not is_bodiless and request.version > _HTTP_1_0

    def _date_line(self) -> bytes:
        now = int(self._clock.wall())
        if now != self._date[0]:
            self._date = (now, b"Date: " + formatdate(now, usegmt=True).encode("ascii") + b"\r\n")
        return self._date[1]


class Pace:
    """Whether a caller takes enough of what it is sent.

    A kernel tells of what it has taken in steps of up to a segment (64 KiB on loopback), so one
    time without a sign of life says nothing: two in a row do.
    """

    def __init__(self, transport: asyncio.Transport, clock: Clock, stall_s: float) -> None:
        self._transport = transport
        self._clock = clock
        self._stall_s = stall_s
        self._taken = taken_bytes(transport)
        self._until = clock.monotonic() + stall_s
        self._was_poor = False

    @property
    def left_s(self) -> float:
        """Seconds until it is looked at again."""
        return self._until - self._clock.monotonic()

    def is_kept(self) -> bool:
        """Say whether enough was taken since the last looks, and begin anew."""
        before, self._taken = self._taken, taken_bytes(self._transport)
        self._until = self._clock.monotonic() + self._stall_s
        is_poor = self._taken - before < MIN_BYTES_PER_S * self._stall_s
        was_poor, self._was_poor = self._was_poor, is_poor
        return not (is_poor and was_poor)


def _length(request: web.BaseRequest, message: Message) -> int | None:
    """RFC 9110 section 8.6: none on 204 and 304; on HEAD what a GET would have."""
    if message.status in _BODILESS:
        return None
    if request.method == "HEAD":
        return message.length
    return len(message.body) if message.rest is None else message.rest.length


def _framed(piece: bytes, *, is_chunked: bool) -> bytes:
    if not is_chunked or not piece:
        return piece
    return b"%x\r\n%b\r\n" % (len(piece), piece)
