"""A caller's connection, over aiohttp's low-level server: what it does not do by itself.

This is the one module that leans on aiohttp's inside (`RequestHandler`, its `handle_error` and its
queue of messages): `tests/listener` watches the habits it relies on.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from proxy.terms import Refused
from proxy.terms.http import every

from .faults import GOING_AWAY, TOO_SLOW, fault_of
from .under_way import UnderWay

# Beside its bytes a chunk has a size and two line ends; extensions and trailers are let be up to
# here, and no further (RFC 9112 section 7.1.1).
_FRAMING_BYTES: Final = 16_384
_SHORTEST_HEAD: Final = len("GET / HTTP/1.0\r\n\r\n") - 1
_FRAMING_FOR_EACH_BYTE: Final = 16  # a caller may send chunks of one byte


class GoingAway(Exception):  # noqa: N818 - it ends the wait for a body, it is no error of it
    """Raised to whoever reads a body: the process ends, and waits no longer for it."""


class Written:
    """What aiohttp is handed back: an answer that is already on the wire."""

    __slots__ = ("keep_alive",)

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Do nothing: the head is written."""

    async def write_eof(self) -> None:
        """Do nothing: the body is written."""

    def as_response(self) -> web.StreamResponse:
        """Give this where aiohttp's types ask for a response: it uses just these three names."""
        return cast("web.StreamResponse", self)


class AnswerFault(Protocol):
    """Answers a request that never came to be one."""

    def __call__(self, request: web.BaseRequest, fault: Refused) -> Written:
        """Write the answer to *fault* and close."""


class CallerConnection(web.RequestHandler):
    """Bounds the time and the framing of a request, tells of a caller who left, answers faults.

    From the first byte of a head to the last of its answer it is *under_way*: a drain waits.
    """

    __slots__ = (
        "_answer_fault",
        "_asks_upgrade",
        "_body",
        "_has_begun",
        "_head_bytes",
        "_head_timeout_s",
        "_head_timer",
        "_is_busy",
        "_on_lost",
        "_received_bytes",
        "_under_way",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        answer_fault: AnswerFault,
        under_way: UnderWay,
        head_timeout_s: float,
        **settings: Any,
    ) -> None:
        super().__init__(manager, **settings)
        self._answer_fault = answer_fault
        self._under_way = under_way
        self._head_timeout_s = head_timeout_s
        self._head_timer: asyncio.TimerHandle | None = None
        self._asks_upgrade = False
        self._has_begun = False  # a byte of a request that is not answered yet was read
        self._is_busy = False
        self._body: StreamReader | None = None  # of the latest request
        self._received_bytes = 0  # since the first byte of the latest head
        self._head_bytes: int | None = None  # of these; None: no chunked body follows
        self._on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a write be done only when the kernel has it all: a slow reader is told by that."""
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=1)

    def data_received(self, data: bytes) -> None:
        """Start the time for a head with its first byte; tell a body that its framing broke."""
        is_body_coming = self._body is not None and not self._body.is_eof()
        # Empty lines before a request are none of it (RFC 9112 section 2.2).
        if not (self._has_begun or is_body_coming) and data.lstrip(b"\r\n"):
            self._begin()
        self._received_bytes += len(data)
        super().data_received(data)
        if self._body is not None:
            self._break_off(self._body)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever serves this caller that it left."""
        self._stop_head_timer()
        if self._on_lost is not None:
            self._on_lost()
        if self._body is not None and not self._is_busy:
            self._body.feed_eof()  # aiohttp reads on what was refused: nothing more will come
        self._end()
        super().connection_lost(exc)

    def head_came(self, request: web.BaseRequest) -> None:
        """Note that a whole head was read: its time stops, and what comes next is its body."""
        self._is_busy = True
        self._body = body = request.content
        if not self._has_begun:
            self._has_begun = True
            self._under_way.begin()
        headers = request.raw_headers
        self._asks_upgrade = bool(every(headers, b"upgrade"))
        self._head_bytes = None
        if self._asks_upgrade or every(headers, b"transfer-encoding"):
            self._head_bytes = _head_bytes(request)
            if self._head_timer is None:  # pipelined: what came before it cannot be told from it
                self._received_bytes = self._head_bytes + body.total_bytes
        self._stop_head_timer()
        self._break_off(body)

    @property
    def has_lost_bytes(self) -> bool:
        """Whether bytes behind an upgrade that we ignored may be gone: aiohttp drops some."""
        if not self._asks_upgrade or self._body is None or self._head_bytes is None:
            return False
        return self._received_bytes - self._head_bytes - self._body.total_bytes > _SHORTEST_HEAD

    def request_ended(self) -> None:
        """Note that a request was answered."""
        self._is_busy = False
        self._on_lost = None
        if not self._messages:
            self._end()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Run *callback* should the caller leave before the request is answered, or has it left."""
        self._on_lost = callback
        if self.transport is None:
            callback()

    def give_up(self) -> None:
        """Wait no longer for what has not come of a request: it is answered as it is."""
        if self._is_busy and self._body is not None and not self._body.is_eof():
            self._body.set_exception(GoingAway())
        elif self._has_begun and not self._is_busy:
            self._refuse(GOING_AWAY)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the caller's bytes
    ) -> web.StreamResponse:
        """Answer what aiohttp's parser refused, or a bug of ours, with the envelope.

        Neither *exc* nor *message* is shown: they quote the caller's bytes.
        """
        self._stop_head_timer()
        return self._answer_fault(request, fault_of(status, exc, self.max_line_size)).as_response()

    def _process_keepalive(self) -> None:
        """Close an idle connection; aiohttp would close one in the middle of a head too."""
        if self._has_begun:
            self._keepalive_handle = None  # set anew with the answer
        else:
            super()._process_keepalive()

    def _begin(self) -> None:
        self._stop_head_timer()
        self._received_bytes = 0
        self._has_begun = True
        self._under_way.begin()
        loop = asyncio.get_running_loop()
        self._head_timer = loop.call_later(self._head_timeout_s, self._refuse, TOO_SLOW)

    def _end(self) -> None:
        if self._has_begun:
            self._has_begun = False
            self._under_way.end()

    def _refuse(self, status: int) -> None:
        """Answer a head that has not come to its end, the way aiohttp answers its own faults."""
        if self._messages or self._waiter is None or self._waiter.done():
            return  # it has come in this very moment
        self._messages.append((_ErrInfo(status, BadHttpMessage(""), ""), EMPTY_PAYLOAD))
        self._waiter.set_result(None)

    def _break_off(self, body: StreamReader) -> None:
        """End a body whose framing broke, which aiohttp queues as a fault, or is out of bounds."""
        has_fault = self._messages and not isinstance(self._messages[-1][0], RawRequestMessage)
        if has_fault and not body.is_eof():
            body.set_exception(BadHttpMessage("the framing of the body is broken"))
        elif self._head_bytes is not None and not self._reading_paused:
            # While reading is paused aiohttp's parser holds bytes back: they cannot be told.
            framing = self._received_bytes - self._head_bytes - body.total_bytes
            if framing > _FRAMING_BYTES + _FRAMING_FOR_EACH_BYTE * body.total_bytes:
                body.set_exception(BadHttpMessage("the body has more framing than content"))

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class CallerServer(web.Server):
    """Makes a `CallerConnection` for each caller."""

    def __call__(self) -> web.RequestHandler:
        """Give the protocol of a new connection."""
        return CallerConnection(self, loop=self._loop, **self._kwargs)


def _head_bytes(request: web.BaseRequest) -> int:
    """Give the bytes of a head as it is mostly written: a space before each value, none after."""
    line = len(request.method) + len(request.raw_path) + len("  HTTP/1.1\r\n\r\n")
    return line + sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
