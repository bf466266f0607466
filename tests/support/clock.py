"""Clocks that move only when told to."""

import asyncio
import heapq
from itertools import count


class FakeClock:
    """`sleep` returns at once and moves time: enough where one task waits at a time."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_700_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class SteppedClock:
    """`sleep` waits until `advance` has come so far: for two tasks at once."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_700_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), done))
        await done

    async def advance(self, seconds: float) -> None:
        end = self.now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.now, _, done = heapq.heappop(self._sleepers)
            if not done.done():
                done.set_result(None)
            await self._settle()
        self.now = end

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
