"""The tokens of many sidecars, in a Redis or Valkey that they share.

Rules:

1. Each intention is one script, and so one atomic step and one round trip for all limits of a call.
2. Whoever cannot be answered in `TIMEOUT_S` goes without: a payment does not wait for its limits'
   store. Where a connection breaks the step is taken once more, over a new one: that may take a
   token too many, never give one too many. So a token is put back once, or not at all.
3. Whoever is cancelled has taken nothing: the step is ended all the same, and what it took is put
   back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError  # noqa: A004 - the driver's own
from redis.maint_notifications import MaintNotificationsConfig

from proxy.limit import Ask, NotYet, Taken
from proxy.terms import Clock

from . import limits_scripts as scripts

TIMEOUT_S: Final = 0.5
MAX_CONNECTIONS: Final = 8  # of commands that take less than a tenth of a millisecond there
SEEN_FOR_S: Final = 10.0  # a sidecar that has not been heard of counts so long
_PREFIX: Final = "paysluice:"
_SINCE: Final = f"{_PREFIX}since"
_AGAIN: Final = f"{_PREFIX}again"
_SIDECARS: Final = f"{_PREFIX}sidecars"
_US: Final = 1_000_000

_T = TypeVar("_T")


class LimitsAwayError(Exception):
    """The store does not answer, or not with what was asked. Its text tells no secret."""


class RedisLimits:
    """Asks for tokens as one *sidecar* of many. The *url* is one that the settings have checked."""

    def __init__(
        self,
        url: str,
        sidecar: str,
        *,
        timeout_s: float = TIMEOUT_S,
        goes_by: Clock | None = None,
    ) -> None:
        self._client = Redis.from_pool(_pool(url, timeout_s))
        self._timeout_s = timeout_s
        self._sidecar = sidecar
        self._goes_by = goes_by
        self._take = self._client.register_script(scripts.TAKE)
        self._give_back = self._client.register_script(scripts.GIVE_BACK)
        self._return = self._client.register_script(scripts.RETURN)
        self._beat = self._client.register_script(scripts.BEAT)
        self._left: set[asyncio.Task[Any]] = set()  # steps whose callers are gone

    async def take(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet:
        """Take one token of each bucket, or of none. *now* is this sidecar's monotonic clock.

        Raises:
            LimitsAwayError: the store does not answer; a token may be lost.
        """
        keys = [_SINCE, *map(_key, asks)]
        of_each = [value for ask in asks for value in (ask.interval_s * _US, ask.burst)]
        step = asyncio.ensure_future(self._ask(lambda: self._take(keys, [self._now(), *of_each])))
        try:
            is_taken, *microseconds = await asyncio.shield(step)
        except asyncio.CancelledError:
            self._leave(self._undo(step, asks))
            raise
        seconds = [each / _US for each in microseconds]
        if is_taken:
            return Taken([now + each for each in seconds])
        return NotYet(tuple(seconds))

    async def give_back(self, asks: tuple[Ask, ...]) -> None:
        """Put back what was taken for a call that never went out.

        Raises:
            LimitsAwayError: the store does not answer.
        """
        keys, intervals = list(map(_key, asks)), [ask.interval_s * _US for ask in asks]
        step = [self._now(), *intervals]
        await self._ask(lambda: self._give_back(keys, step), is_repeatable=False)

    async def beat(self, *, is_back: bool) -> int:
        """Say that this sidecar is there, and give how many are.

        With *is_back* it has let calls go without asking: they count as used.

        Raises:
            LimitsAwayError: the store does not answer.
        """
        said = [self._now(), self._sidecar, SEEN_FOR_S * _US, int(is_back)]
        return int(await self._ask(lambda: self._beat([_SINCE, _SIDECARS], said)))

    async def returns(self, wait_s: float) -> float:
        """Give in how many seconds all who went without asking ask again, *wait_s* at most.

        Were it each in its own moment, the first would have the whole rate while the others still
        have their shares.

        Raises:
            LimitsAwayError: the store does not answer.
        """
        left = await self._ask(lambda: self._return([_AGAIN], [self._now(), wait_s * _US]))
        return float(left) / _US

    async def close(self) -> None:
        """Say that this sidecar is gone, and let the connections go."""
        for step in tuple(self._left):
            await asyncio.wait([step])
        try:
            await self._ask(lambda: self._client.zrem(_SIDECARS, self._sidecar))
        except LimitsAwayError:
            pass  # it is forgotten before long
        finally:
            await self._client.aclose()

    async def _ask(self, step: Callable[[], Awaitable[_T]], *, is_repeatable: bool = True) -> _T:
        try:
            async with asyncio.timeout(self._timeout_s):
                try:
                    return await step()
                except ConnectionError:
                    if not is_repeatable:
                        raise
                await self._client.connection_pool.disconnect(inuse_connections=False)
                return await step()
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, no call fails of it
            raise LimitsAwayError(type(error).__name__) from None

    async def _undo(self, step: "asyncio.Future[list[int]]", asks: tuple[Ask, ...]) -> None:
        try:
            if (await step)[0]:
                await self.give_back(asks)
        except LimitsAwayError:
            pass  # the token is lost: one too few goes, never one too many

    def _leave(self, step: "Awaitable[None]") -> None:
        task = asyncio.ensure_future(step)
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    def _now(self) -> float | str:
        """Give the time that a test goes by; else the server's clock counts."""
        return "" if self._goes_by is None else self._goes_by.wall() * _US


def _pool(url: str, timeout_s: float) -> BlockingConnectionPool:
    scheme, colon, rest = url.partition(":")
    return BlockingConnectionPool.from_url(
        scheme.replace("valkey", "redis") + colon + rest,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def _key(ask: Ask) -> str:
    return f"{_PREFIX}limit:{ask.key}"
