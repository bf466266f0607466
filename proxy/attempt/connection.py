"""One connection to a provider: bytes out, one answer at a time in, and nothing in between."""

import asyncio
import select
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from proxy.terms import ProxyError

from .failures import loss_reason
from .parse import ResponseParser

# Body bytes held before the provider is told to wait: backpressure (standards item 115).
HIGH_WATER_BYTES: Final = 262_144

OnSpoilt: TypeAlias = Callable[["Connection"], None]


class Connection(asyncio.Protocol):
    """A kept-alive connection. `begin` opens an exchange, `finish` closes it.

    Bytes that arrive while no request is outstanding are no answer (RFC 9112 section 9.2): they
    spoil the connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, on_spoilt: OnSpoilt) -> None:
        self._loop = loop
        self._on_spoilt = on_spoilt
        self._transport: asyncio.Transport | None = None
        self._parser: ResponseParser | None = None
        self._high_water_bytes = HIGH_WATER_BYTES
        self._readable: asyncio.Future[bool] | None = None
        self._wait_until = 0.0
        self._wait_timer: asyncio.TimerHandle | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_reading_paused = False
        self._stall_timer: asyncio.TimerHandle | None = None
        self._write_idle_s = 0.0
        self._arrivals = select.poll()
        self.has_served = False
        self.problem: ProxyError | None = None  # why it is of no use, where that is known
        self.is_lost = False
        self.born = loop.time()
        self.idle_since = self.born

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._arrivals.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the answer under way."""
        parser = self._parser
        if parser is None:
            self._on_spoilt(self)
            self.abort()
            return
        parser.feed(data)
        if parser.buffered >= self._high_water_bytes and not self._is_reading_paused:
            self._is_reading_paused = True
            self._open_transport().pause_reading()
        self.wake()

    def eof_received(self) -> None:
        """Take the provider's half-close as the end: an answer cannot follow."""
        if self._parser is not None:
            self._parser.feed_end(is_clean=True)
        self.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection."""
        self.is_lost = True
        self._disarm()
        if self._wait_timer is not None:
            self._wait_timer.cancel()
            self._wait_timer = None
        if self.problem is None:
            self.problem = loss_reason(exc)
        if self._parser is not None:
            self._parser.feed_end(is_clean=exc is None)
        else:
            self._on_spoilt(self)
        self.resume_writing()
        self.wake()

    def pause_writing(self) -> None:
        """Hold the upload: the provider does not read as fast as the caller sends."""
        self._writable = self._loop.create_future()
        self._arm(self._open_transport().get_write_buffer_size())

    def resume_writing(self) -> None:
        """Let the upload go on."""
        self._disarm()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # --- an exchange

    @property
    def is_usable(self) -> bool:
        """Whether a byte written now would reach the transport.

        `write` on a closing transport is dropped silently, and a close or stray bytes of the
        provider may be waiting in the kernel: ask just before the first byte.
        """
        return not (self.is_lost or self._open_transport().is_closing() or self._has_arrivals())

    def begin(self, parser: ResponseParser, *, write_idle_s: float) -> None:
        """Open an exchange: what comes from now on belongs to *parser*."""
        self._parser = parser
        self._high_water_bytes = HIGH_WATER_BYTES
        self._write_idle_s = write_idle_s

    def expect(self, body_bytes: int) -> None:
        """Hold up to *body_bytes* of the body before the provider is told to wait.

        It may have been told so already: more than the usual came together with the head.
        """
        self._high_water_bytes = max(HIGH_WATER_BYTES, body_bytes)
        if self._parser is not None and self._parser.buffered < self._high_water_bytes:
            self._let_go_on()

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport; where it is lost they go nowhere, as on one that closes."""
        if not self.is_lost and not self._open_transport().is_closing():
            self._open_transport().write(data)

    async def drain(self) -> None:
        """Wait until the transport takes more, or is lost."""
        if self._writable is not None:
            await self._writable

    @property
    def is_stalled(self) -> bool:
        """Whether the provider has not taken all that was handed over."""
        return self._writable is not None

    async def wait(self, until: float) -> bool:
        """Wait for something to happen; False where *until* (loop time) came first."""
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._readable = waiter
        self._wait_until = until
        # A timer is dearer than what it guards: one stays set, and looks when it comes.
        if self._wait_timer is None or self._wait_timer.when() > until:
            self._look_at(until)
        try:
            return await waiter
        finally:
            self._readable = None

    def wake(self) -> None:
        """Tell whoever waits that something happened."""
        if self._readable is not None and not self._readable.done():
            self._readable.set_result(True)

    def take(self) -> bytes:
        """Give the body bytes that have come, and let the provider go on."""
        parser = self._parser
        assert parser is not None, "an exchange is open"
        body = parser.take()
        self._let_go_on()
        return body

    def finish(self) -> None:
        """Close the exchange; the connection is idle from now on."""
        self._let_go_on()
        self._parser = None
        self.has_served = True
        self.idle_since = self._loop.time()

    def abort(self) -> None:
        """Close at once; what is not yet written is dropped."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside

    def _let_go_on(self) -> None:
        if self._is_reading_paused and not self.is_lost:
            self._open_transport().resume_reading()
        self._is_reading_paused = False

    def _open_transport(self) -> asyncio.Transport:
        assert self._transport is not None, "connected before it is used"
        return self._transport

    def _has_arrivals(self) -> bool:
        # A fresh TLS connection may hold session tickets: only what was idle is asked.
        if not self.has_served:
            return False
        arrivals: list[tuple[int, int]] = self._arrivals.poll(0)
        return bool(arrivals)

    def _look_at(self, when: float) -> None:
        if self._wait_timer is not None:
            self._wait_timer.cancel()
        self._wait_timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        """End a wait whose time is over; one that has more is looked at again then."""
        self._wait_timer = None
        if self._readable is None or self._readable.done():
            return
        if self._loop.time() >= self._wait_until:
            self._readable.set_result(False)
        else:
            self._look_at(self._wait_until)

    def _arm(self, size: int) -> None:
        self._disarm()
        self._stall_timer = self._loop.call_later(self._write_idle_s, self._check_writing, size)

    def _disarm(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _check_writing(self, size_then: int) -> None:
        size = self._open_transport().get_write_buffer_size()
        if size < size_then:
            self._arm(size)
            return
        self.problem = ProxyError.CONNECTION_WRITE_TIMEOUT
        self.abort()
