"""A limit policy with everything it is given, and what it told."""

import asyncio
from collections.abc import Callable
from typing import Any

from proxy.limit import (
    Ask,
    ConcurrencySettings,
    LimitPolicy,
    NotYet,
    Pause,
    Priority,
    RateLimitSettings,
    Taken,
    WaitingRoom,
)
from proxy.stores import MemoryLimits
from proxy.terms import Call, Event, Outcome, StreamEnd
from proxy.terms.units import Rate
from tests.support import make
from tests.support.clock import FakeClock
from tests.support.script import Script

ACCOUNT = RateLimitSettings(name="account", rate=Rate(10, 1.0), burst=2, max_wait=1.0)


class Stream:
    """What of an answer is still on the wire."""

    length = None

    def __init__(self) -> None:
        self.end: Callable[[], None] = lambda: None

    async def read(self) -> StreamEnd:
        return StreamEnd.CUT

    def on_end(self, callback: Callable[[], None]) -> None:
        self.end = callback

    def close(self) -> None:
        self.end()


class Recording(MemoryLimits):
    """A store that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def take(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet:
        self.keys += [ask.key for ask in asks]
        return await super().take(asks, now)


class World:
    def __init__(self, *limits: RateLimitSettings, clock: Any = None, **members: Any) -> None:
        self.clock = clock or FakeClock()
        self.events: list[Event] = []
        self.store = Recording()
        self.room = WaitingRoom(ConcurrencySettings(**members), self.store, self.clock)
        self.pause = Pause("none")
        self.policy = LimitPolicy(
            "acme",
            "acme-live",
            limits,
            {"urgent": Priority.HIGH, "report": Priority.LOW},
            self.room,
            self.pause,
            self.clock,
            self.events.append,
        )

    def waiting(self) -> dict[str, int]:
        """How many wait, by limit."""
        return {limit: sum(each.values()) for limit, each in self.policy.waiting().items()}

    async def run(self, count: int = 1, **members: Any) -> list[Outcome]:
        inner = Script(*[make.ok()] * count)
        return [await self.policy(make.call(**members), inner) for _ in range(count)]

    def start(self, inner: Any, **members: Any) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.policy(make.call(**members), inner))


class Held:
    """A service that answers when told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    async def __call__(self, _: Call) -> Outcome:
        self.begun += 1
        await self.go.wait()
        return make.ok()
