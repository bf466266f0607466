"""What the ledger costs: guarded payments a second in SQLite, and what a claim waits for.

    python -m bench.ledger

Each guarded payment is three durable steps: the claim of its key, the claim before the first byte,
and its end with the answer. One that is only followed is two: written before its first byte, and
forgotten. The median of a durable claim is compared with the median fsync of the same
disk under the same load, measured in the same run. And a store of a million keys is compared with
one of a thousand.
"""

import asyncio
import os
import resource
import statistics
import threading
import time
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

import uvloop

from proxy.ledger.book import Claim, Met, begin
from proxy.ledger.decide import End, Meeting
from proxy.ledger.entry import Entry, Money, Owner, Recorded, Result
from proxy.ledger.store import Away
from proxy.stores.ledger_sqlite import SqliteLedger
from proxy.system import SystemClock

Step: TypeAlias = Callable[[SqliteLedger, int], Awaitable[float]]

AT_ONCE: Final = 32
SECONDS: Final = 3.0
ROUNDS: Final = 3
FEW, MANY = 1_000, 1_000_000
ANSWER: Final = Recorded(
    200, b"OK", ((b"Content-Type", b"application/json"),), b'{"id":"pay_1","amount":1050}' * 10
)


def claim(number: int, sent_s_ago: float | None = None) -> Claim:
    """Give the claim of one payment."""
    name = f"{number:032x}"
    return Claim(
        id=name,
        provider="acme",
        scope="acme",
        route="create_payment",
        operation="create_payment",
        key_hash=name.encode(),
        fingerprint=bytes(32),
        owner=Owner("bench", number),
        lease_s=40.0,
        money=Money("10.5", "EUR", name),
        sent_s_ago=sent_s_ago,
    )


async def pay(store: SqliteLedger, number: int) -> float:
    """Take one payment through the ledger; give the seconds of the claim before its first byte."""
    met = await store.begin(claim(number))
    assert isinstance(met, Met)
    assert met.meeting is Meeting.NEW
    began = time.perf_counter()
    sent = await store.sending(met.entry.id, met.entry.owner, 40.0)
    took = time.perf_counter() - began
    assert isinstance(sent, Entry)
    await store.finish(met.entry.id, met.entry.owner, End.DONE, Result.SUCCEEDED, ANSWER)
    return took


async def follow(store: SqliteLedger, number: int) -> float:
    """Follow one payment; give the seconds that its first byte waits."""
    began = time.perf_counter()
    met = await store.begin(claim(number, sent_s_ago=0.0))
    took = time.perf_counter() - began
    assert isinstance(met, Met)
    assert await store.forget(met.entry.id, met.entry.owner) is True
    return took


class Fsyncs:
    """Syncs a file of its own on the same disk, again and again, beside the load."""

    def __init__(self, folder: Path) -> None:
        self.took: list[float] = []
        self._file = os.open(folder / "fsync", os.O_CREAT | os.O_WRONLY)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over.wait(0.01):
            os.pwrite(self._file, b"x" * 4096, 0)
            began = time.perf_counter()
            os.fsync(self._file)
            self.took.append(time.perf_counter() - began)

    def stop(self) -> float:
        """End it, and give the median in seconds."""
        self._is_over.set()
        self._thread.join()
        os.close(self._file)
        return statistics.median(self.took)


async def load(
    store: SqliteLedger, start: int, at_once: int = AT_ONCE, step: Step = pay
) -> tuple[float, float, int]:
    """Pay for a while; give payments a second, the median claim, and the next number."""
    number, took, paid = start, [], 0
    until = time.perf_counter() + SECONDS
    began = time.perf_counter()

    async def payer() -> None:
        nonlocal number, paid
        while time.perf_counter() < until:
            number += 1
            took.append(await step(store, number))
            paid += 1

    await asyncio.gather(*(payer() for _ in range(at_once)))
    return paid / (time.perf_counter() - began), statistics.median(took), number


async def fill(store: SqliteLedger, first: int, last: int) -> None:
    """Put entries into the store, many to a transaction."""
    now = time.time() - 100_000.0
    entries = store._entries  # noqa: SLF001
    numbers = iter(range(first, last))

    def add() -> None:
        for number in islice(numbers, 50_000):
            entries.add(begin(None, claim(number), now).entry)

    for _ in range(first, last, 50_000):
        assert not isinstance(await store._commits.take(add), Away)  # noqa: SLF001


async def main() -> None:
    """Measure, and print."""
    with TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = Path(name)
        store = SqliteLedger.open(folder / "ledger.db", SystemClock())
        number = 10**9
        for at_once in (1, 4, 8, 16, AT_ONCE):
            ratios, rates, claims = [], [], []
            for _ in range(ROUNDS):
                fsyncs = Fsyncs(folder)
                rate, median, number = await load(store, number, at_once)
                claims.append(median)
                rates.append(rate)
                ratios.append(median / fsyncs.stop())
            print(
                f"{at_once:3} at once: {statistics.median(rates):6,.0f} payments/s, a claim "
                f"{statistics.median(claims) * 1000:.2f} ms, "
                f"{statistics.median(ratios):.1f} x an fsync under that load"
            )
        for at_once in (1, AT_ONCE):
            rates, claims = [], []
            for _ in range(ROUNDS):
                rate, median, number = await load(store, number, at_once, follow)
                rates.append(rate)
                claims.append(median)
            print(
                f"{at_once:3} at once: {statistics.median(rates):6,.0f} payments/s that are only "
                f"followed, a first byte waits {statistics.median(claims) * 1000:.2f} ms"
            )
        print("asked: 3,000 payments/s, and a claim within 3 x an fsync")
        await store.close()
        await keys(folder)


async def keys(folder: Path) -> None:
    """Compare a store of a million keys with one of a thousand, in turn."""
    costs = {}
    stores = {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for count in (FEW, MANY):
        stores[count] = SqliteLedger.open(folder / f"{count}.db", SystemClock())
        await fill(stores[count], 0, count)
        costs[count] = []
    number = 10**10
    for _ in range(ROUNDS):
        for count, store in stores.items():
            rate, _, number = await load(store, number)
            costs[count].append(1 / rate)
    few, many = (statistics.median(costs[count]) for count in (FEW, MANY))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"with {MANY:,} keys a payment costs {many / few:.2f} x of what it costs with {FEW:,} "
        f"(asked: 1.5); memory grew by {(after - before) / 1024:.0f} MiB, the filling included"
    )
    for store in stores.values():
        await store.close()


if __name__ == "__main__":
    uvloop.run(main())
