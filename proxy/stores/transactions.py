"""Transactions of PostgreSQL on a bounded pool of connections, and the wait for a server.

Rules:

1. A transaction says itself what it needs, and leaves nothing behind: no setting, no prepared
   statement and no lock outlives it, so it may go through PgBouncer in transaction mode.
2. What is committed is on the server's disk (`synchronous_commit` is at least `on`), whatever the
   server does by default. Where it does more, it stays so.
3. A connection goes back to the pool only when the server has said that its transaction is over.
   Any other (timed out, cancelled, lost, refused) is cut: nobody gets what somebody left behind.
4. Each wait has an end. What was not told to be committed by then is `AWAY`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import asyncpg
import tenacity

from proxy.ledger.store import AWAY, Away
from proxy.terms import Clock

from .ledger_schema import LedgerDatabaseError

if TYPE_CHECKING:
    from asyncpg.pool import Pool, PoolConnectionProxy

_T = TypeVar("_T")
Rows: TypeAlias = "PoolConnectionProxy"
Step: TypeAlias = Callable[[Rows], Awaitable[_T]]

MAX_CONNECTIONS: Final = 10
CONNECT_TIMEOUT_S: Final = 2.0
ACQUIRE_TIMEOUT_S: Final = 2.0  # in it, one waits for a connection, or makes it
COMMAND_TIMEOUT_S: Final = 2.0
STEP_TIMEOUT_S: Final = 4.0  # all of a step, however often its transaction is taken again
START_TIMEOUT_S: Final = 20.0  # for how long a server is waited for at the start
_CLOSE_TIMEOUT_S: Final = 5.0
_MAX_IDLE_S: Final = 60.0
_TRIES: Final = 5
# A row is waited for less long than a command, so that the server ends it and nobody else. Who
# holds one and is frozen lets it go before long.
_WRITE: Final = """
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT set_config('synchronous_commit', 'on', true)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');
    SELECT set_config('lock_timeout', '1500', true),
        set_config('idle_in_transaction_session_timeout', '5000', true)
"""
_READ: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"


class Again(Exception):  # noqa: N818 - no fault: somebody was first
    """A transaction that has to be taken again, from its first look on."""


_AGAIN: Final = (
    Again,
    asyncpg.UniqueViolationError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
_LOST: Final = (
    OSError,  # and with it TimeoutError
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
# What goes by: a server, or the PgBouncer before it, starts, is full or is being replaced, or
# another sidecar makes the tables.
_PASSING: Final = (
    *_AGAIN,
    OSError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
)


class Transactions:
    """Takes steps, each in a transaction of its own."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool

    async def close(self) -> None:
        """Let what is under way end, and the connections go."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._pool.close()
        except _LOST:
            self._pool.terminate()

    async def write(self, step: Step[_T]) -> _T | Away:
        """Take *step*; give what came of it once it is on disk.

        With `AWAY` nothing is known: a connection that is lost while it commits does not tell
        whether it has.
        """
        return await self._take(_WRITE, step)

    async def read(self, step: Step[_T]) -> _T | Away:
        """Take a *step* that changes nothing."""
        return await self._take(_READ, step)

    async def first(self, step: Step[_T]) -> _T:
        """Take a *step* that changes something, and raise whatever stands against it."""
        return await self._once(_WRITE, step)

    async def _take(self, opening: str, step: Step[_T]) -> _T | Away:
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                for _ in range(_TRIES):
                    try:
                        return await self._once(opening, step)
                    except _AGAIN:
                        continue
        except _LOST:
            pass
        return AWAY

    async def _once(self, opening: str, step: Step[_T]) -> _T:
        rows = await self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
        is_over = False
        try:
            await rows.execute(opening)
            try:
                found = await step(rows)
                if await rows.execute("COMMIT") != "COMMIT":
                    raise Again  # the server undid it, and does not call that an error
            except _AGAIN:
                await rows.execute("ROLLBACK")
                is_over = True
                raise
            is_over = True
            return found
        finally:
            if not is_over:
                rows.terminate()
            await self._pool.release(rows)


async def connect(url: str, clock: Clock, first: Step[_T]) -> tuple[Transactions, _T]:
    """Wait for the server at *url*, and take its *first* step.

    Raises:
        LedgerDatabaseError: it cannot be reached or used; the text tells nothing of a password.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=MAX_CONNECTIONS,
        max_inactive_connection_lifetime=_MAX_IDLE_S,
        reset=_leave,
        statement_cache_size=0,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
    )
    transactions = Transactions(pool)
    started = clock.monotonic()
    tries = tenacity.AsyncRetrying(
        sleep=clock.sleep,
        wait=tenacity.wait_exponential(multiplier=0.1, max=3.0),
        stop=lambda _: clock.monotonic() - started >= START_TIMEOUT_S,
        retry=tenacity.retry_if_exception(_is_passing),
        reraise=True,
    )
    try:
        return transactions, await tries(transactions.first, first)
    except BaseException as error:
        pool.terminate()
        if not isinstance(error, (LedgerDatabaseError, ValueError, *_AGAIN, *_LOST)):
            raise
        place = "" if isinstance(error, ValueError) else _place(url)
        msg = f"PostgreSQL{place} cannot be used as a ledger: {_why(error)}"
        raise LedgerDatabaseError(msg) from None


async def _leave(_: object) -> None:
    """Leave a connection as it is: a transaction that is over has left nothing."""


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, _PASSING) and not isinstance(error, ValueError)


def _why(error: BaseException) -> str:
    match error:
        case ValueError():  # of the driver, whose text may show any part of the URL
            return "its URL is none of PostgreSQL (postgresql://user:password@host:5432/database)"
        case TimeoutError():
            return "it does not answer"
        case OSError(strerror=str(text)) if text:
            return text
        case _:
            return next(iter(str(error).splitlines()), type(error).__name__)


def _place(url: str) -> str:
    """Say where it is, unless that is not sure to be no part of a password."""
    authority = re.match(r"\w+://(?:[^/?#@]*@)?([\w.,:\[\]-]+)(?:[/?][^@]*)?$", url)
    return f" at {authority[1]}" if authority and "@" in url else ""
