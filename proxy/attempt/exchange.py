"""One request and its answer on one connection, with what was handed over at each moment."""

import asyncio

from proxy.terms import (
    BodyStream,
    Call,
    Clock,
    Delivery,
    Effect,
    Failed,
    ProxyError,
    Refusal,
    Refused,
    RouteEffect,
    StreamEnd,
)
from proxy.terms.http import MIN_ERROR_STATUS

from .body import RestOfBody
from .connection import HIGH_WATER_BYTES, Connection
from .failures import failed
from .parse import Head, ResponseParser
from .settings import TimeoutSettings


class Exchange:
    """Sends one request over a connection that is lent to it, and reads the answer."""

    def __init__(
        self, connection: Connection, call: Call, timeouts: TimeoutSettings, clock: Clock
    ) -> None:
        self.connection = connection
        self.delivery = Delivery.NONE
        self.spoilt_by = "answer"
        self._call = call
        self._timeouts = timeouts
        self._clock = clock
        self._parser = ResponseParser(is_head=call.method == "HEAD")
        self._upload: asyncio.Task[StreamEnd] | None = None
        self._until = 0.0  # the end of the attempt
        self._head_until = 0.0  # when the head of the answer must be there

    def send(self, request_head: bytes, started: float) -> None:
        """Hand the request over, its head first."""
        call, body = self._call, self._call.body
        self._until = self._head_until = started + self._timeouts.attempt
        self.connection.begin(self._parser, write_idle_s=self._timeouts.write_idle)
        call.progress.began_sending(started)
        self.delivery = Delivery.PARTIAL
        if isinstance(body, bytes):
            self.connection.write(request_head + body)
            self._is_sent()
        else:
            self.connection.write(request_head)
            self._upload = asyncio.create_task(self._pump(body))
            self._upload.add_done_callback(lambda _: self.connection.wake())

    async def head(self) -> Head | Failed | Refused:
        """Wait for the head of the answer."""
        parser = self._parser
        while parser.head is None or self._is_uploading_to(parser.head):
            if parser.problem is not None:
                return self._fail(parser.problem)
            ended = self._upload_end()
            if ended is not None and ended is not StreamEnd.WHOLE:
                return self._caller_failed(ended)
            if not await self.connection.wait(self._wait_until()) and not self._has_more_time():
                # It does not answer because it does not even read.
                is_stalled = self.connection.is_stalled
                return self._fail(
                    ProxyError.CONNECTION_WRITE_TIMEOUT
                    if is_stalled
                    else ProxyError.HTTP_RESPONSE_TIMEOUT
                )
        return parser.head

    def whole_body(self) -> bytes | None:
        """Give the body where all of it came with its head, as it mostly does."""
        return self.connection.take() if self._parser.is_complete else None

    async def read_body(self, want_bytes: int, patience_s: float) -> bytes | Failed:
        """Read the whole body, or its first *want_bytes*, or what comes within *patience_s*."""
        parser = self._parser
        self.connection.expect(want_bytes)
        patient_until = self._clock.monotonic() + patience_s
        while not parser.is_ended and parser.buffered < want_bytes:
            idle_until = min(self._until, self._clock.monotonic() + self._timeouts.body_idle)
            if not await self.connection.wait(min(idle_until, patient_until)):
                if patient_until <= idle_until:
                    break  # a live stream: what there is goes on, and the rest as it comes
                return self._fail(ProxyError.CONNECTION_READ_TIMEOUT)
        if parser.problem is not None:
            return self._fail(parser.problem)
        return self.connection.take()

    def rest(self) -> RestOfBody | None:
        """Give what of the answer is still to come, or None where it is whole."""
        if self._parser.is_complete and not self._parser.buffered:
            return None
        return RestOfBody(
            self.connection,
            self._parser,
            body_idle_s=self._timeouts.body_idle,
            now=self._clock.monotonic,
        )

    def close(self) -> bool:
        """End the exchange; say whether the connection may carry another one."""
        is_uploading = self._upload is not None and not self._upload.done()
        if self._upload is not None and is_uploading:
            self._upload.cancel()
        self.connection.finish()
        return self._parser.is_reusable and self.delivery is Delivery.COMPLETE

    def _is_uploading_to(self, head: Head) -> bool:
        """Whether an early answer leaves the upload a point: an error does not (RFC 9112 9.5).

        One that is larger than is held goes on beside the upload: a provider that cannot write
        does not read either.
        """
        return (
            self._upload is not None
            and not self._upload.done()
            and head.status < MIN_ERROR_STATUS
            and not self._parser.is_ended
            and self._parser.buffered < HIGH_WATER_BYTES
        )

    def _wait_until(self) -> float:
        if self.delivery is not Delivery.COMPLETE:
            # Uploading: each write has its own bound, and so has each read from the caller.
            return self._clock.monotonic() + self._timeouts.attempt
        return self._head_until

    def _has_more_time(self) -> bool:
        is_uploading = self.delivery is not Delivery.COMPLETE
        return is_uploading or self._clock.monotonic() < self._head_until

    def _is_sent(self) -> None:
        """Note that the last byte was handed over: the time for the answer begins to run."""
        self.delivery = Delivery.COMPLETE
        headers_s = self._timeouts.headers
        if headers_s is not None:
            self._head_until = min(self._until, self._clock.monotonic() + headers_s)

    async def _pump(self, body: BodyStream) -> StreamEnd:
        is_chunked = body.length is None
        connection = self.connection
        while isinstance(piece := await body.read(), bytes):
            connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            await connection.drain()
            if connection.is_lost:
                return StreamEnd.WHOLE  # the end of the connection says what to say
        if piece is StreamEnd.WHOLE:
            if is_chunked:
                connection.write(b"0\r\n\r\n")
            self._until = self._head_until = self._clock.monotonic() + self._timeouts.attempt
            self._is_sent()
        return piece

    def _upload_end(self) -> StreamEnd | None:
        if self._upload is None or not self._upload.done():
            return None
        return self._upload.result()

    def _caller_failed(self, ended: StreamEnd) -> Refused:
        """Give the end of a body that the caller broke off: no fault of the provider's."""
        self.spoilt_by = "upload"
        is_read = self._call.effect is RouteEffect.READ
        return Refused(
            reason=Refusal.TOO_LARGE if ended is StreamEnd.TOO_LARGE else Refusal.CALLER_LEFT,
            effect=Effect.NONE if is_read else Effect.UNKNOWN,
            delivery=self.delivery,
            attempts=1,
        )

    def _fail(self, reason: ProxyError) -> Failed:
        self.spoilt_by = "failure"
        head = self._parser.head
        return failed(
            self._call,
            self.connection.problem or reason,  # what ended the connection explains the rest
            self.delivery,
            status=None if head is None else head.status,
        )
