"""The tokens that a sidecar goes by: those that all share, or while they are away its own share.

Rules:

1. While the shared store is there its word counts alone.
2. It is away from the first step that it does not answer. Once it answers again all sidecars wait
   for each other, and go by it from the same moment on: else the first to come back would have the
   whole rate beside the others' shares. Each way is told: log, metric, `/readyz`, `/status`.
3. While it is away each sidecar has its share: the rate by the number of sidecars that were last
   counted. It begins with one token, and what went meanwhile counts as used afterwards: an outage
   gives nobody a second burst.
4. A provider set to `refuse` sends nothing meanwhile.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from proxy.limit import AWAY, Ask, Away, LimitStore, NotYet, Taken
from proxy.limit.decide import next_at, used_up
from proxy.terms import Clock, Emit, FaultOccurred, StoreMoved

from .limits_redis import SEEN_FOR_S, LimitsAwayError, RedisLimits
from .memory import MemoryLimits

BEAT_S: Final = 1.0
RETURN_S: Final = 2 * BEAT_S  # in it, everybody has seen that the store is back


class SharedLimits:
    """A `LimitStore` for one sidecar of many. `start` makes it known to the others."""

    def __init__(self, shared: RedisLimits, clock: Clock, emit: Emit) -> None:
        self.is_up = True
        self.sidecars = 1  # as last counted
        self._shared = shared
        self._clock = clock
        self._emit = emit
        self._own = MemoryLimits()
        self._counts_until = 0.0  # until then others may not have come back yet
        self._beats: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look whether the store is there, and how many share it; go on looking."""
        self._counts_until = self._clock.monotonic() + SEEN_FOR_S
        await self._beat()
        self._beats = asyncio.ensure_future(self._go_on())

    async def close(self) -> None:
        """Have the others know that this sidecar is gone."""
        if self._beats is not None:
            self._beats.cancel()
            await asyncio.wait([self._beats])
        await self._shared.close()

    async def take(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet:
        """Take one token of each bucket, or of none: of those that all share, or of our own."""
        said = await self.take_shared(asks, now)
        return await self._take_own(asks, now) if isinstance(said, Away) else said

    async def take_shared(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet | Away:
        """Take one token of each bucket that all share, or of none."""
        if self.is_up:
            try:
                return await self._shared.take(asks, now)
            except LimitsAwayError as error:
                self._went(error)
        return AWAY

    async def give_back(self, asks: tuple[Ask, ...], _now: float) -> None:
        """Put back what was taken for a call that never went out.

        Not while the store is away: of which bucket it was taken is not known any more, and one too
        few may go, never one too many.
        """
        if self.is_up:
            try:
                await self._shared.give_back(asks)
            except LimitsAwayError as error:
                self._went(error)

    def only_shared(self) -> LimitStore:
        """Give the store for a provider to which nothing may go without the others' leave."""
        return _OnlyShared(self)

    def status(self) -> Mapping[str, object]:
        """Give what an operator is shown."""
        return {"store": "up" if self.is_up else "away", "sidecars": self.sidecars}

    async def _take_own(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet:
        shares = tuple(map(self._share, asks))
        said = await self._own.take(shares, now)
        if isinstance(said, NotYet):
            return said
        # In terms of what was asked: as a bucket of *asks* would stand with the next token then.
        stands = zip(said.full_at, asks, shares, strict=True)
        return Taken([used_up(next_at(each, share), ask) for each, ask, share in stands])

    def _share(self, ask: Ask) -> Ask:
        return Ask(ask.key, ask.interval_s * self.sidecars, max(1, ask.burst // self.sidecars))

    async def _go_on(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            try:
                await self._beat()
            except Exception as bug:  # noqa: BLE001 - who is away must always come back
                self._emit(FaultOccurred("", type(bug).__name__, "limits"))

    async def _beat(self) -> None:
        is_back = not self.is_up
        try:
            if is_back:
                await self._clock.sleep(await self._shared.returns(RETURN_S))
            count = await self._shared.beat(is_back=is_back)
        except LimitsAwayError as error:
            self._went(error)
            return
        now = self._clock.monotonic()
        if is_back:
            self._counts_until = now + SEEN_FOR_S
            self._move(is_up=True)
        self.sidecars = max(count, self.sidecars) if now < self._counts_until else count

    def _went(self, error: LimitsAwayError) -> None:
        if self.is_up:
            self._own = MemoryLimits(used_at=self._clock.monotonic())
            self._move(is_up=False, error=str(error))

    def _move(self, *, is_up: bool, error: str | None = None) -> None:
        self.is_up = is_up
        self._emit(StoreMoved("limits", is_up, error, self.sidecars))


class _OnlyShared:
    """Tokens that all share, and no others."""

    def __init__(self, limits: SharedLimits) -> None:
        self._limits = limits

    async def take(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet | Away:
        return await self._limits.take_shared(asks, now)

    async def give_back(self, asks: tuple[Ask, ...], now: float) -> None:
        await self._limits.give_back(asks, now)
