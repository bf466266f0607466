"""A caller's connection, over aiohttp's low-level server: what it does not do by itself.

This is the one module that leans on aiohttp's inside (`RequestHandler`, its `handle_error` and its
queue of messages): `tests/listener` watches the habits it relies on.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from proxy.terms import Headers, Refusal, Refused

from .faults import Unfinished, fault_of
from .framing import Framing, framing_of
from .outgoing import reset
from .owed import Owed

_EMPTY_LINES = b"\r\n"  # none of a request (RFC 9112 section 2.2)
_END_OF_HEAD = b"\r\n\r\n"
_MAX_PENDING_BYTES = 262_144  # of requests behind one that is being answered


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

    From the first byte of a head to the last of its answer it is *owed*: a drain waits.
    """

    __slots__ = (
        "_answer_fault",
        "_body",
        "_framing",
        "_has_begun",
        "_head_timeout_s",
        "_head_timer",
        "_is_busy",
        "_is_held",
        "_is_lost",
        "_is_refused",
        "_on_lost",
        "_owed",
        "_pending",
        "must_reset",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        answer_fault: AnswerFault,
        owed: Owed,
        head_timeout_s: float,
        **settings: Any,
    ) -> None:
        super().__init__(manager, **settings)
        self._answer_fault = answer_fault
        self._owed = owed
        self._head_timeout_s = head_timeout_s
        self._head_timer: asyncio.TimerHandle | None = None
        self._has_begun = False  # a byte of a request that is not answered yet was read
        self._is_busy = False
        self._body: StreamReader | None = None  # of the latest request
        self._pending = b""  # read, and not yet known to be whose
        self._framing: Framing | None = None  # of the body that is coming
        self._is_lost = False
        self._is_held = False  # more has come than is taken for now
        self._is_refused = False  # the last that is said here was said
        self._on_lost: Callable[[], object] | None = None
        self.must_reset = False  # should it end now: only that shows the answer to be cut

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a write be done only when the kernel has it all: a slow reader is told by that."""
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=1)

    def data_received(self, data: bytes) -> None:
        """Start the time for a head with its first byte; tell a body that its framing broke."""
        self._pending = self._pending + data if self._pending else data
        if self._framing is not None:
            self._follow(self._framing)
        else:
            self._pending = self._pending.lstrip(_EMPTY_LINES)
        self._begin_if_pending()
        if len(self._pending) > _MAX_PENDING_BYTES and self._is_busy and self.transport is not None:
            self._is_held = True  # what is behind a request waits until that is answered
            self.transport.pause_reading()
        super().data_received(data)
        if self._body is not None:
            self._break_off(self._body)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever serves this caller that it left."""
        self._is_lost = True
        self._pending = b""
        self._stop_head_timer()
        if self._on_lost is not None:
            self._on_lost()
        if self._body is not None and not self._is_busy:
            self._body.feed_eof()  # aiohttp reads on what was refused: nothing more will come
        self._end()
        super().connection_lost(exc)

    def head_came(self, request: web.BaseRequest, headers: Headers) -> None:
        """Note that a whole head was read: its time stops, and what comes next is its body."""
        self._is_busy = True
        self._body = request.content
        self._count()
        self._stop_head_timer()
        self._pending = self._pending.lstrip(_EMPTY_LINES).partition(_END_OF_HEAD)[2]
        self._framing = framing = framing_of(headers)
        if framing is not None:
            self._follow(framing)
            self._break_off(request.content)

    def request_ended(self) -> None:
        """Note that a request was answered."""
        self._is_busy = False
        self._on_lost = None
        if self._is_held and self.transport is not None:
            self._is_held = False
            self.transport.resume_reading()
        if self._messages and not self._is_lost:
            return  # the next one is here
        self._end()
        self._begin_if_pending()

    def on_lost(self, callback: Callable[[], object]) -> None:
        """Run *callback* should the caller leave before the request is answered, or has it left."""
        self._on_lost = callback
        if self.transport is None:
            callback()

    def force_close(self) -> None:
        """Close at once; an answer whose end is the connection's must not look whole."""
        if self.must_reset and self.transport is not None:
            reset(self.transport)
        super().force_close()

    def give_up(self) -> None:
        """Wait no longer for what has not come of a request: it is answered as it is."""
        if self._is_busy and self._body is not None and not self._body.is_eof():
            self._body.set_exception(GoingAway())
        elif self._has_begun and not self._is_busy:
            self._refuse(Refusal.DRAINING)

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
        self._is_refused = True
        told = self._answer_fault(request, fault_of(status, exc, self.max_line_size))
        # It is the last that is said here. Who does not take it is not waited for.
        if self.transport is not None:
            self._head_timer = self._loop.call_later(self._head_timeout_s, self.transport.abort)
        self._end()
        return told.as_response()

    def _process_keepalive(self) -> None:
        """Close an idle connection; aiohttp would close one in the middle of a head too."""
        if self._has_begun:
            self._keepalive_handle = None  # set anew with the answer
        else:
            super()._process_keepalive()

    def _begin_if_pending(self) -> None:
        """Start the time for a head where a byte of one was read; empty lines are none of it."""
        if self._has_begun or self._framing is not None or self._is_lost or self._is_refused:
            return
        self._pending = self._pending.lstrip(_EMPTY_LINES)
        if self._pending:
            self._stop_head_timer()
            self._count()
            if _END_OF_HEAD not in self._pending:  # it came as one, as it mostly does
                self._head_timer = self._loop.call_later(
                    self._head_timeout_s, self._refuse, Refusal.CALLER_TOO_SLOW
                )

    def _count(self) -> None:
        if not (self._has_begun or self._is_lost):
            self._has_begun = True
            self._owed.begin()

    def _end(self) -> None:
        if self._has_begun:
            self._has_begun = False
            self._owed.end()

    def _follow(self, framing: Framing) -> None:
        """Take what came for the body, and forget it; what follows it is the next request's."""
        self._pending = framing.feed(self._pending)
        if framing.is_ended:
            self._framing = None
        if framing.is_excessive and self._body is not None:
            self._give_out(self._body, BadHttpMessage("the body has more framing than content"))

    def _refuse(self, reason: Refusal) -> None:
        """Answer a head that has not come to its end, the way aiohttp answers its own faults."""
        if self._messages or self._waiter is None or self._waiter.done():
            return  # it has come in this very moment
        self._messages.append((_ErrInfo(400, Unfinished(reason), ""), EMPTY_PAYLOAD))
        self._waiter.set_result(None)

    def _break_off(self, body: StreamReader) -> None:
        """End a body whose framing broke: aiohttp queues the fault, and its reader waits."""
        has_fault = self._messages and not isinstance(self._messages[-1][0], RawRequestMessage)
        if has_fault and not body.is_eof():
            self._give_out(body, BadHttpMessage("the framing of the body is broken"))

    def _give_out(self, body: StreamReader, fault: Exception) -> None:
        """Tell *fault* to who reads *body*; where nobody does, it is over with the connection."""
        if self._is_busy:
            body.set_exception(fault)
        else:
            body.feed_eof()
            self.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class CallerServer(web.Server):
    """Makes a `CallerConnection` for each caller."""

    def __call__(self) -> web.RequestHandler:
        """Give the protocol of a new connection."""
        return CallerConnection(self, loop=self._loop, **self._kwargs)
