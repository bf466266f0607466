"""What the sidecar adds to a call, measured beside the same call without it, in one run.

    python bench/overhead.py [--rounds N] [--seconds S]

Processes on loopback: a provider that answers at once, a plain forwarder (both in peers.py), the
sidecar with the shipped defaults and one rate limit that never bites (once with its log as
shipped, a line for each request, and once with warnings only), and this one, the load: keep-alive
connections, each with one request under way. The ways take turns, round by round, so that what
else the machine does hits them alike; each number is the median of the rounds.
"""

import argparse
import asyncio
import os
import platform
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from timeit import repeat
from typing import Final, cast

import uvloop
from peers import ANSWER_BODY, BODY

ROOT: Final = Path(__file__).parents[1]
PEERS: Final = str(Path(__file__).with_name("peers.py"))
CONNECTIONS: Final = (1, 32)
WARM_UP_S: Final = 0.3
REQUEST: Final = (
    b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Idempotency-Key: order-1\r\nContent-Length: %d\r\n\r\n%b"
)
CONFIG: Final = """
listen: 127.0.0.1:{port}
admin: 127.0.0.1:0
drain: {{delay: 0ms, timeout: 1s}}
log: {{level: {level}}}
providers:
  bench:
    base_url: http://127.0.0.1:{provider}
    rate_limits: [{{name: account, rate: 1000000/s, burst: 1000000}}]
"""


@dataclass(frozen=True)
class Way:
    name: str
    port: int
    path: bytes
    pid: int | None  # of the process in between


@dataclass(frozen=True)
class Round:
    per_second: float
    p50_us: float
    p99_us: float
    cpu_us: float  # of the process in between, for each request


class Caller(asyncio.Protocol):
    """One keep-alive connection of the load; it times each request."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._seen = b""
        self._began = 0.0
        self.took: list[tuple[float, float]] = []  # when it was answered, after how long
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if not self._seen.endswith(ANSWER_BODY):
            return
        now = time.perf_counter()
        self.took.append((now, now - self._began))
        is_good, self._seen = self._seen.startswith(b"HTTP/1.1 200 "), b""
        if is_good and now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc or time.perf_counter() < self._until:
            self.done.set_exception(RuntimeError("a request of the load failed"))
        else:
            self.done.set_result(None)

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)


async def measure(way: Way, connections: int, seconds: float) -> Round:
    loop = asyncio.get_running_loop()
    request = REQUEST % (way.path, len(BODY), BODY)
    begin = time.perf_counter() + WARM_UP_S
    callers = [Caller(request, begin + seconds) for _ in range(connections)]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", way.port)
    await asyncio.sleep(max(0.0, begin - time.perf_counter()))
    cpu_s, since = cpu_seconds(way.pid), time.perf_counter()
    await asyncio.wait_for(asyncio.gather(*(caller.done for caller in callers)), seconds + 10)
    cpu_s, elapsed = cpu_seconds(way.pid) - cpu_s, time.perf_counter() - since
    took = [took for caller in callers for at, took in caller.took if at >= since]
    cuts = quantiles(took, n=100)
    return Round(len(took) / elapsed, cuts[49] * 1e6, cuts[98] * 1e6, cpu_s / len(took) * 1e6)


def cpu_seconds(pid: int | None) -> float:
    file = Path(f"/proc/{pid}/stat")
    if pid is None or not file.exists():
        return 0.0
    user, system = file.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def process(port: int, *arguments: str) -> AsyncIterator[int]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await listens(port)
        yield child.pid
    finally:
        child.terminate()
        await child.wait()


async def listens(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def compare(rounds: int, seconds: float, folder: Path) -> None:
    """Start everything, let the ways take turns, print what came of it."""
    async with AsyncExitStack() as stack:
        provider, port = free_port(), free_port()
        await stack.enter_async_context(process(provider, PEERS, "provider", str(provider)))
        running = process(port, PEERS, "forwarder", str(port), str(provider))
        ways = [
            Way("straight", provider, b"/payments", None),
            Way("plain forwarder", port, b"/payments", await stack.enter_async_context(running)),
        ]
        for name, level in (("sidecar", "info"), ("sidecar, log: warning", "warning")):
            port, file = free_port(), folder / f"{level}.yaml"
            file.write_text(CONFIG.format(port=port, level=level, provider=provider))
            running = process(port, "-m", "proxy", "run", "--config", str(file))
            pid = await stack.enter_async_context(running)
            ways.append(Way(name, port, b"/bench/payments", pid))
        print(facts(rounds, seconds))
        for connections in CONNECTIONS:
            seen: dict[str, list[Round]] = {way.name: [] for way in ways}
            for _ in range(rounds):
                for way in ways:
                    seen[way.name].append(await measure(way, connections, seconds))
            print(table(connections, seen))


def facts(rounds: int, seconds: float) -> str:
    return f"{machine()}; median of {rounds} rounds of {seconds:g} s"


def machine() -> str:
    call_ns = min(repeat("f()", "def f(): pass", number=100_000)) * 1e4
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores (shared by load, peers and sidecar), "
        f"Python {platform.python_version()} (calls an empty function in {call_ns:.0f} ns), "
        f"uvloop {version('uvloop')}, aiohttp {version('aiohttp')}"
    )


def table(connections: int, seen: dict[str, list[Round]]) -> str:
    lines = [
        f"\n{connections} connection{'s' if connections > 1 else ''}\n",
        "| way | requests/s | of straight | p50 µs | p99 µs | p50 added µs | CPU µs |",
        "|---|---|---|---|---|---|---|",
    ]
    straight: Round | None = None
    for name, rounds in seen.items():
        columns = zip(*((r.per_second, r.p50_us, r.p99_us, r.cpu_us) for r in rounds), strict=True)
        way = Round(*map(median, columns))
        straight = straight or way
        lines.append(
            f"| {name} | {way.per_second:,.0f} | {way.per_second / straight.per_second:.2f} "
            f"| {way.p50_us:.0f} | {way.p99_us:.0f} | {way.p50_us - straight.p50_us:.0f} "
            f"| {format(way.cpu_us, '.0f') if way.cpu_us else '-'} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.9)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        uvloop.run(compare(asked.rounds, asked.seconds, Path(folder)))


if __name__ == "__main__":
    main()
