"""A caller's connection, over aiohttp's low-level server: what it does not do by itself.

This is the one module that leans on aiohttp's inside (`RequestHandler`, its `handle_error`):
`tests/listener` watches the habits it relies on.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong

from proxy.terms import Effect, Refusal, Refused

_BAD_REQUEST: Final = 400


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
    """Bounds the time for a head, tells of a caller who left, answers what aiohttp refuses."""

    __slots__ = ("_answer_fault", "_body", "_head_timeout_s", "_head_timer", "_is_busy", "_on_lost")

    def __init__(
        self,
        manager: web.Server,
        *,
        answer_fault: AnswerFault,
        head_timeout_s: float,
        **settings: Any,
    ) -> None:
        super().__init__(manager, **settings)
        self._answer_fault = answer_fault
        self._head_timeout_s = head_timeout_s
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_busy = False
        self._body: StreamReader | None = None  # of the latest request
        self._on_lost: Callable[[], None] | None = None

    def data_received(self, data: bytes) -> None:
        """Start the time for a head with its first byte; tell a body that its framing broke."""
        is_body_coming = self._body is not None and not self._body.is_eof()
        if data and self._head_timer is None and not (self._is_busy or is_body_coming):
            loop = asyncio.get_running_loop()
            self._head_timer = loop.call_later(self._head_timeout_s, self.force_close)
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
        super().connection_lost(exc)

    def head_came(self, body: StreamReader) -> None:
        """Note that a whole head was read: its time stops, and what comes next is *body*."""
        self._is_busy = True
        self._body = body
        self._stop_head_timer()
        self._break_off(body)

    def request_ended(self) -> None:
        """Note that a request was answered."""
        self._is_busy = False
        self._on_lost = None

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Run *callback* should the caller leave before the request is answered, or has it left."""
        self._on_lost = callback
        if self.transport is None:
            callback()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the caller's bytes
    ) -> web.StreamResponse:
        """Answer what aiohttp's parser refused, or a bug of ours, with the envelope.

        Neither *exc* nor *message* is shown: they quote the caller's bytes (standards E14).
        """
        self._stop_head_timer()
        return self._answer_fault(request, _refused(status, exc, self.max_line_size)).as_response()

    def _break_off(self, body: StreamReader) -> None:
        """End a body whose framing broke: aiohttp queues the fault, and its reader waits."""
        has_fault = self._messages and not isinstance(self._messages[-1][0], RawRequestMessage)
        if has_fault and not body.is_eof():
            body.set_exception(BadHttpMessage("the framing of the body is broken"))

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class CallerServer(web.Server):
    """Makes a `CallerConnection` for each caller."""

    def __call__(self) -> web.RequestHandler:
        """Give the protocol of a new connection."""
        return CallerConnection(self, loop=self._loop, **self._kwargs)


def _refused(status: int, exc: BaseException | None, max_line_bytes: int) -> Refused:
    if status != _BAD_REQUEST:
        # A bug that `Handler.serve` could not answer: nothing is known of what was sent.
        return Refused(reason=Refusal.INTERNAL, effect=Effect.UNKNOWN)
    if isinstance(exc, LineTooLong):
        # aiohttp has one class for a long request line and for long fields; its limit tells.
        is_line = exc.args[1:2] == (max_line_bytes,)
        return Refused(reason=Refusal.TARGET_TOO_LONG if is_line else Refusal.HEADERS_TOO_LARGE)
    if isinstance(exc, HttpProcessingError) and exc.message.startswith("Too many headers"):
        return Refused(reason=Refusal.HEADERS_TOO_LARGE)
    return Refused(reason=Refusal.MALFORMED)
