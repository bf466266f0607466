"""What it costs to stay under a provider's limits, where nobody has to wait.

    python -m bench.pacing

The admission of one call through three limits in memory (asked: under 5 us), and what 100,000
distinct credentials take (asked: under 40 MiB, and that they are forgotten when idle).
"""

import asyncio
import gc
import resource
import statistics
import time
from pathlib import Path
from typing import Final

import uvloop

from proxy.limit import (
    Ask,
    ConcurrencySettings,
    LimitPolicy,
    Pause,
    RateLimitSettings,
    WaitingRoom,
)
from proxy.stores import MemoryLimits
from proxy.system import SystemClock
from proxy.terms import Answer, Answered, Call, Kind, Outcome, Progress, RouteEffect
from proxy.terms.units import Rate

CREDENTIALS: Final = 100_000
TIMES: Final = 5_000
RUNS: Final = 40
HEADERS: Final = (
    (b"Host", b"api.example"),
    (b"Authorization", b"Bearer sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
    (b"Content-Type", b"application/json"),
)
DONE: Final = Answered(answer=Answer(200, b"OK", (), b"{}"), kind=Kind.OK)


async def answer(_: Call) -> Outcome:
    """Answer at once: what is left is the policy."""
    return DONE


def policy() -> LimitPolicy:
    """Give three limits that are never reached: of the provider, by route, by credential."""
    limits = [
        RateLimitSettings(name=name, rate=Rate(1e6, 1.0), burst=1_000_000, per=per)
        for name, per in (
            ("all", "provider"),
            ("each_route", "route"),
            ("credential", "header:Authorization"),
        )
    ]
    clock = SystemClock()
    room = WaitingRoom(ConcurrencySettings(max=100), MemoryLimits(), clock)
    return LimitPolicy("acme", "acme", limits, {}, room, Pause("none"), clock, lambda _: None)


class Noted:
    """Answers at once, and notes when it was asked."""

    def __init__(self) -> None:
        self.at = 0.0

    async def __call__(self, _: Call) -> Outcome:
        self.at = time.perf_counter()
        return DONE


async def admission() -> tuple[list[float], list[float]]:
    """Give the microseconds that a call takes, run by run: until it goes out, and in all."""
    inner = Noted()
    paced = policy()
    call = Call(
        request_id="0" * 32,
        provider="acme",
        route="create_payment",
        operation="create_payment",
        method="POST",
        target=b"/payments",
        headers=HEADERS,
        body=b"{}",
        effect=RouteEffect.PAYMENT,
        deadline=time.monotonic() + 3600.0,
        progress=Progress(),
    )
    out, in_all = [], []
    for _ in range(RUNS):
        waited = 0.0
        for _ in range(TIMES):
            began = time.perf_counter()
            await paced(call, inner)
            waited += inner.at - began
            began = time.perf_counter()
            await inner(call)
            waited -= inner.at - began
        out.append(waited / TIMES * 1e6)
        began = time.perf_counter()
        for _ in range(TIMES):
            await answer(call)
        alone = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(TIMES):
            await paced(call, answer)
        in_all.append((time.perf_counter() - began - alone) / TIMES * 1e6)
    return out, in_all


async def memory() -> tuple[float, int]:
    """Give the MiB that so many credentials take, and how many are left once they are idle."""
    store = MemoryLimits()
    before = _resident_kib()
    for number in range(CREDENTIALS):
        await store.take((Ask(f"acme:credential:{number:032x}", 1.0, 10),), 1000.0)
    grown = _resident_kib() - before
    assert len(store) == CREDENTIALS
    for number in range(CREDENTIALS):
        await store.take((Ask("acme:all:", 1e-6, 10),), 2000.0 + number)
    return grown / 1024, len(store)


def _resident_kib() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024


async def main() -> None:
    """Measure, and print."""
    for name, took in zip(("admission", "all of it"), await admission(), strict=True):
        least, usual = min(took), statistics.median(took)
        print(
            f"three limits, {name}: {least:.1f} us at best, {usual:.1f} as a rule (asked: under 5)"
        )
    grown, left = await memory()
    print(f"{CREDENTIALS:,} credentials: {grown:.1f} MiB (asked: under 40); {left} left when idle")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
