"""Writes an answer to a caller, byte for byte: aiohttp's own writer drops opaque bytes."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import web

from proxy.terms import AnswerStream, Clock, Headers, StreamEnd
from proxy.terms.http import NO_CONTENT, NOT_MODIFIED, first

from .settings import MIN_BYTES_PER_S

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_HTTP_1_0: Final = (1, 0)
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_BODILESS: Final = frozenset({NO_CONTENT, NOT_MODIFIED})
_REASONS: Final = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Message:
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
        if request.method == "HEAD" or message.status in _BODILESS:
            transport.write(head)
            return True
        if message.rest is None:
            transport.write(head + message.body)
            return await self._drain(request, len(message.body))
        transport.write(head + _framed(message.body, is_chunked=is_chunked))
        return await self._pipe(request, message.rest, is_chunked=is_chunked)

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
            transport = request.transport
            if transport is None or transport.is_closing():
                return False
            transport.write(_framed(piece, is_chunked=is_chunked))
            if not await self._drain(request, len(piece)):
                return False
        transport = request.transport
        if piece is not StreamEnd.WHOLE or transport is None:
            # An answer cut short must look it: no final chunk (RFC 9112 section 8).
            _abort(request)
            return False
        if is_chunked:
            transport.write(b"0\r\n\r\n")
        return True

    async def _drain(self, request: web.BaseRequest, size: int) -> bool:
        """Wait until the kernel has it all; False where the caller left, or took it too slowly.

        It is too slow once it took nothing for the time of a stall, or all of it at less than
        `MIN_BYTES_PER_S`.
        """
        slowest_until = self._clock.monotonic() + self._stall_s + size / MIN_BYTES_PER_S
        while request.protocol.writing_paused:
            left_then = _unsent(request)
            try:
                async with asyncio.timeout(self._stall_s):
                    await request.writer.drain()
                    return True
            except TimeoutError:
                is_late = self._clock.monotonic() >= slowest_until
                is_gone = is_late or _unsent(request) >= left_then
            except ConnectionError:
                is_gone = True
            if is_gone:
                _reset(request)
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


def _unsent(request: web.BaseRequest) -> int:
    transport = request.transport
    return 0 if transport is None else transport.get_write_buffer_size()


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _reset(request: web.BaseRequest) -> None:
    """Close with what was not taken thrown away: the kernel would keep it for the caller."""
    if request.transport is not None:
        own = request.transport.get_extra_info("socket")
        if own is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        request.transport.abort()


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
