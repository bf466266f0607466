"""Kept-alive connections to one provider: a bounded number, the freshest first."""

import asyncio
from collections import deque
from typing import Final

from proxy.terms import ConnectionDiscarded, Emit, ProxyError

from .connect import Connect
from .connection import Connection
from .settings import ConnectionSettings

# A request that cannot be repeated takes a kept-alive connection only where the provider can
# hardly be closing it just now (RFC 9112 section 9.5): the race is avoided, not retried.
FRESH_S: Final = 1.0


class Pool:
    """Lends connections; every one lent comes back by `release` or `discard`."""

    def __init__(
        self,
        provider: str,
        settings: ConnectionSettings,
        connect: Connect,
        emit: Emit,
        *,
        wait_s: float,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._connect = connect
        self._emit = emit
        self._wait_s = wait_s
        self._idle: deque[Connection] = deque()  # the freshest on the right
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._lent = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._loop = asyncio.get_running_loop()  # asking for it is a system call

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    @property
    def busy(self) -> int:
        """Connections that are lent, being opened included."""
        return self._lent

    def lend_idle(self, *, is_repeatable: bool) -> Connection | None:
        """Lend a connection that waits for a request, where there is one, and nobody waits."""
        if self._waiters or not self._idle or self._lent >= self._settings.max:
            return None
        self._lent += 1
        connection = self._take_idle(self._loop.time(), is_repeatable=is_repeatable)
        if connection is None:
            self._lent -= 1
        return connection

    async def acquire(self, until: float, *, is_repeatable: bool) -> Connection | ProxyError:
        """Lend a connection, or say why there is none, by *until* (loop time)."""
        if not await self._take_place(min(until, self._loop.time() + self._wait_s)):
            return ProxyError.CONNECTION_LIMIT_REACHED
        connection = self._take_idle(self._loop.time(), is_repeatable=is_repeatable)
        if connection is not None:
            return connection
        while self._idle and len(self._idle) + self._lent > self._settings.max:
            self._evict("limit")
        opened: Connection | ProxyError = ProxyError.CONNECTION_TERMINATED
        try:
            opened = await self._connect(until, self._on_spoilt)
            return opened
        finally:
            if not isinstance(opened, Connection):
                self._give_back()

    def release(self, connection: Connection) -> None:
        """Take a connection back that may carry another request."""
        now = self._loop.time()
        if self._is_closed or connection.is_lost or now - connection.born >= self._settings.age:
            self.discard(connection, "age" if not connection.is_lost else "closed")
            return
        self._idle.append(connection)
        self._give_back()
        self._sweep_later()

    def discard(self, connection: Connection, why: str) -> None:
        """Take a connection back that must not carry another request."""
        connection.abort()
        self._emit(ConnectionDiscarded(self._provider, why))
        self._give_back()

    def close(self) -> None:
        """Close what is idle; what is lent closes when it comes back."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._idle:
            self._idle.pop().abort()

    def _on_spoilt(self, connection: Connection) -> None:
        """Forget a connection that was closed, or sent bytes, while it was idle."""
        if connection in self._idle:
            self._idle.remove(connection)
            why = "closed" if connection.is_lost else "unsolicited"
            self._emit(ConnectionDiscarded(self._provider, why))

    async def _take_place(self, until: float) -> bool:
        if self._lent < self._settings.max and not self._waiters:
            self._lent += 1
            return True
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(until):
                await waiter
        except TimeoutError:
            return self._keep_place_of(waiter)
        except asyncio.CancelledError:
            if self._keep_place_of(waiter):
                self._give_back()
            raise
        return True

    def _keep_place_of(self, waiter: "asyncio.Future[None]") -> bool:
        """Say whether a place was handed over just as its waiter stopped waiting."""
        if waiter.done() and not waiter.cancelled():
            return True
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        return False

    def _give_back(self) -> None:
        """Hand a place on to who has waited longest, else take it back."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._lent -= 1

    def _take_idle(self, now: float, *, is_repeatable: bool) -> Connection | None:
        idle_s = self._settings.idle if is_repeatable else min(self._settings.idle, FRESH_S)
        while self._idle:
            connection = self._idle[-1]
            if now - connection.idle_since >= idle_s:
                return None  # all others have been idle for longer
            self._idle.pop()
            if now - connection.born >= self._settings.age:
                why = "age"
            elif not connection.is_usable:
                why = "closed"
            else:
                return connection
            connection.abort()
            self._emit(ConnectionDiscarded(self._provider, why))
        return None

    def _evict(self, why: str) -> None:
        """Close the connection that has been idle longest."""
        self._idle.popleft().abort()
        self._emit(ConnectionDiscarded(self._provider, why))

    def _sweep_later(self) -> None:
        if self._sweeper is None and not self._is_closed:
            self._sweeper = self._loop.call_later(self._settings.idle, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now = self._loop.time()
        while self._idle and now - self._idle[0].idle_since >= self._settings.idle:
            self._evict("idle")
        if self._idle:
            self._sweep_later()
