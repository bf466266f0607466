"""What the sidecar holds while much goes through it, many wait, or one side stops reading.

    python bench/wire.py

Each measurement has a sidecar process of its own, with the shipped defaults but for what `CONFIG`
says. The provider and the callers are in this process. A growth of memory is the highest resident
size until it is taken, less what was resident after one small call. Exits with 1 where a bound is
broken, or where bytes or connections got lost.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvloop
from bulk import MB, SIZE, SMALL, Caller, Provider, Pushing, Reading, caller
from local import free_port, machine, process

CONNECTIONS: Final = 10_000
OPENED_AT_ONCE: Final = 50
FILES: Final = CONNECTIONS + 500  # this process needs them, and the sidecar
STOP_S: Final = 3.0
LIMIT_S: Final = 90.0
CONFIG: Final = """
listen: 127.0.0.1:{port}
admin: 127.0.0.1:0
max_body: 300MiB
drain: {{delay: 0ms, timeout: 1s}}
log: {{level: warning}}
callers: {{idle_timeout: 10m}}
providers:
  bench:
    base_url: http://127.0.0.1:{provider}
    timeouts: {{attempt: 90s, total: 90s}}
"""


@dataclass(frozen=True)
class Row:
    """One number; one without a bound is for information."""

    what: str
    measured: float
    unit: str
    below: float | None = None

    @property
    def is_broken(self) -> bool:
        return self.below is not None and self.measured >= self.below

    def __str__(self) -> str:
        line = f"| {self.what} | {self.measured:,.1f} {self.unit} |"
        if self.below is None:
            return f"{line} | |"
        return f"{line} < {self.below:g} {self.unit} | {'FAIL' if self.is_broken else 'PASS'} |"


@dataclass(frozen=True)
class Sidecar:
    """A process of its own that has served one small call."""

    pid: int
    port: int
    provider: Provider
    resident_mib: float

    def growth_mib(self) -> float:
        return memory_mib(self.pid, "VmHWM") - self.resident_mib


Rows = list[Row]


async def small(port: int) -> Caller:
    """Make one small call, and keep the connection."""
    reader, writer = await caller(port, "GET /bench/small")
    all_there(await Reading().answer(reader), len(SMALL))
    return reader, writer


@asynccontextmanager
async def sidecar(folder: Path, *, stops_reading: bool = False) -> AsyncIterator[Sidecar]:
    """Run one, with a provider of its own."""
    provider = Provider(stops_reading=stops_reading)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    there = server.sockets[0].getsockname()[1]
    port, file = free_port(), folder / "paysluice.yaml"
    file.write_text(CONFIG.format(port=port, provider=there))
    running = process(port, "-m", "proxy", "run", "--config", str(file))
    async with running as pid, asyncio.timeout(LIMIT_S):
        (await small(port))[1].close()
        yield Sidecar(pid, port, provider, resident_mib(pid))
    server.close()


def resident_mib(pid: int) -> float:
    """Give what is resident, and let the highest resident size begin again: proc(5)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory_mib(pid, "VmRSS")


def memory_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def all_there(count: int, expected: int = SIZE) -> None:
    if count != expected:
        message = f"{count} of {expected} are there"
        raise RuntimeError(message)


async def up(one: Sidecar, *, is_chunked: bool) -> int:
    field = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {SIZE}"
    reader, writer = await caller(one.port, "POST /bench/file", field)
    await Pushing(writer, is_chunked=is_chunked).body()
    await Reading().answer(reader)
    writer.close()
    return one.provider.read


async def down(one: Sidecar, *, is_chunked: bool) -> int:
    path = "chunked" if is_chunked else "length"
    reader, writer = await caller(one.port, f"GET /bench/{path}")
    count = await Reading().answer(reader)
    writer.close()
    return count


async def through(folder: Path, way: Callable[..., Awaitable[int]], *, is_chunked: bool) -> Rows:
    async with sidecar(folder) as one:
        began = time.perf_counter()
        all_there(await way(one, is_chunked=is_chunked))
        took_s = time.perf_counter() - began
        what = f"200 MB {way.__name__}, {'chunked' if is_chunked else 'Content-Length'}"
        return [
            Row(f"{what}: growth of memory", one.growth_mib(), "MiB", 64),
            Row(f"{what}: speed", SIZE / MB / took_s, "MB/s"),
        ]


async def idle(folder: Path) -> Rows:
    """Open connections that each make one call and then wait."""
    kept: list[Caller] = []

    async def open_some() -> None:
        for _ in range(CONNECTIONS // OPENED_AT_ONCE):
            kept.append(await small(one.port))  # noqa: PERF401 - those that were opened count

    async with sidecar(folder) as one:
        await asyncio.gather(*(open_some() for _ in range(OPENED_AT_ONCE)))
        await asyncio.sleep(STOP_S)
        all_there(sum(not reader.at_eof() for reader, _ in kept), CONNECTIONS)
        resident = memory_mib(one.pid, "VmRSS")
        for _, writer in kept:
            writer.close()
    what = f"{CONNECTIONS:,} idle connections"
    each = (resident - one.resident_mib) * 1024 / CONNECTIONS
    return [
        Row(f"{what}: resident in all", resident, "MiB", 250),
        Row(f"{what}: growth for each", each, "KiB"),
    ]


async def caller_stops(folder: Path) -> Rows:
    async with sidecar(folder) as one:
        reader, writer = await caller(one.port, "GET /bench/length")
        reading = Reading(stops=True)
        answer = asyncio.create_task(reading.answer(reader))
        await reading.has_stopped.wait()
        await asyncio.sleep(STOP_S)
        assert one.provider.pushing is not None
        rows = stopped("caller", "provider", one, one.provider.pushing)
        reading.go_on.set()
        all_there(await answer)
        writer.close()
    return rows


async def provider_stops(folder: Path) -> Rows:
    async with sidecar(folder, stops_reading=True) as one:
        reader, writer = await caller(one.port, "POST /bench/file", f"Content-Length: {SIZE}")
        pushing = Pushing(writer, is_chunked=False)
        body = asyncio.create_task(pushing.body())
        await one.provider.reading.has_stopped.wait()
        await asyncio.sleep(STOP_S)
        rows = stopped("provider", "caller", one, pushing)
        one.provider.reading.go_on.set()
        await body
        await Reading().answer(reader)
        all_there(one.provider.read)
        writer.close()
    return rows


def stopped(who: str, other: str, one: Sidecar, pushing: Pushing) -> Rows:
    what = f"{who} reads 1 of 200 MB and stops"
    return [
        Row(f"{what}: the {other} could push", pushing.taken / MB, "MB", 32),
        Row(f"{what}: growth of memory", one.growth_mib(), "MiB", 16),
    ]


MEASUREMENTS: Final[tuple[Callable[[Path], Awaitable[Rows]], ...]] = (
    *(partial(through, way=way, is_chunked=each) for way in (up, down) for each in (False, True)),
    idle,
    caller_stops,
    provider_stops,
)


async def measure(folder: Path) -> bool:
    """Print each number as it is known; False where one breaks its bound."""
    print(f"{machine()}; load average at the start {os.getloadavg()[0]:.1f}\n")
    print("| what | measured | bound | |\n|---|---|---|---|")
    is_good = True
    for each in MEASUREMENTS:
        for row in await each(folder):
            print(row, flush=True)
            is_good = is_good and not row.is_broken
    return is_good


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        sys.exit(f"{FILES} open files are needed, and at most {hard} allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with TemporaryDirectory() as folder:
        sys.exit(not uvloop.run(measure(Path(folder))))


if __name__ == "__main__":
    main()
