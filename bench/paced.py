"""How well a provider's rate is used, and kept, under three times as much load.

    python bench/paced.py

The provider is a bucket of 10 that fills at 100 a second, and says 429 to whatever is too much. It
and each sidecar, with a limit of 98 a second, are processes of their own. Exits with 1 where a
bound is broken: at least 95 % of the rate, no 429 from the provider after the first second, at most
5 % too much by three that share the limit in Redis (also while it is restarted), and 100 ms for 99
of a hundred urgent calls while others flood. Without `redis-server` the one part is left out.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvloop
from local import free_port, listens, machine, process

from proxy.limit.decide import Ask, NotYet, take

ALLOWS: Final = Ask("provider", 0.01, 10)
RATE: Final = 98
OFFERED: Final = 300
SECONDS: Final = 9.0
URGENT_EACH_S: Final = 20.0
CONFIG: Final = """
listen: 127.0.0.1:{port}
admin: 127.0.0.1:0
drain: {{delay: 0ms, timeout: 1s}}
log: {{level: error}}
stores: {{limits: "{store}"}}
providers:
  acme:
    base_url: http://127.0.0.1:{provider}
    retry: {{max_attempts: 1}}
    rate_limits: [{{name: account, rate: 98/s, burst: 4, max_wait: 500ms}}]
    routes:
      - {{name: urgent, match: GET /urgent, priority: high}}
      - {{name: report, match: GET /report, priority: low}}
"""


class Strict:
    """The provider: it counts, and turns away what is too much; `/seen` tells when it did what."""

    def __init__(self) -> None:
        self.let_in: list[float] = []
        self.turned_away: list[float] = []
        self._tats = [0.0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET /seen "):
                    writer.write(json.dumps([self.let_in, self.turned_away]).encode())
                    break
                now = time.monotonic()
                taken = take(self._tats, [ALLOWS], now)
                if isinstance(taken, NotYet):
                    self.turned_away.append(now)
                else:
                    self._tats = taken
                    self.let_in.append(now)
                status = b"429 Too Many" if isinstance(taken, NotYet) else b"200 OK"
                writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


async def provide(port: int) -> None:
    server = await asyncio.start_server(Strict().serve, "127.0.0.1", port)
    await server.serve_forever()


async def seen(port: int) -> tuple[list[float], list[float]]:
    """Ask the provider when it let somebody in, and when it turned somebody away."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /seen HTTP/1.1\r\n\r\n")
    let_in, turned_away = json.loads(await reader.read())
    writer.close()
    return let_in, turned_away


async def ask(port: int, path: str) -> float:
    """Ask once; give the seconds that it took."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /acme/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    await reader.read()
    writer.close()
    return time.monotonic() - began


async def flood(port: int, path: str, each_s: float, seconds: float) -> list[float]:
    """Ask evenly, whoever answers or not; give what each took."""
    began, asked = time.monotonic(), []
    while (passed := time.monotonic() - began) < seconds:
        while len(asked) < passed * each_s:
            asked.append(asyncio.create_task(ask(port, path)))
        await asyncio.sleep(0.005)
    return list(await asyncio.gather(*asked))


@asynccontextmanager
async def sidecars(
    folder: Path, count: int, store: str = "memory"
) -> AsyncIterator[tuple[int, list[int]]]:
    """Run so many, before a provider of their own; give its port, and where they listen."""
    there, ports = free_port(), []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process(there, __file__, "provider", str(there)))
        for _ in range(count):
            port = free_port()
            file = folder / f"{port}.yaml"
            file.write_text(CONFIG.format(port=port, provider=there, store=store))
            running = process(port, "-m", "proxy", "run", "--config", str(file))
            await stack.enter_async_context(running)
            ports.append(port)
        yield there, ports


async def used(provider: int, began: float, what: str, most: float) -> bool:
    """Say how much of the rate was used after the first second, and whether that is as asked."""
    let_in, turned_away = await seen(provider)
    since, until = began + 1.0, began + SECONDS
    went = sum(since <= at < until for at in let_in) / (until - since) / RATE
    away = sum(at >= since for at in turned_away)
    print(f"{what}: {went:.1%} of {RATE}/s, {away} turned away after the first second")
    return 0.95 <= went <= most and not away


async def one(folder: Path) -> bool:
    """One sidecar, and three times what it may send."""
    async with sidecars(folder, 1) as (there, ports):
        began = time.monotonic()
        await flood(ports[0], "other", OFFERED, SECONDS)
        return await used(there, began, "one sidecar", 1.02)


async def three(folder: Path) -> bool:
    """Three that share, and their store goes away for a third of the time, and forgets all."""
    port = free_port()
    with TemporaryDirectory() as data, redis(port, data) as running:
        await listens(port)
        async with sidecars(folder, 3, f"redis://127.0.0.1:{port}") as (there, ports):
            began = time.monotonic()
            floods = [flood(each, "other", OFFERED / 3, SECONDS) for each in ports]
            flooding = asyncio.gather(*floods)
            await asyncio.sleep(SECONDS / 3)
            running.kill()
            running.wait()
            await asyncio.sleep(SECONDS / 3)
            with redis(port, data):
                await flooding
            return await used(there, began, "three that share, their Redis restarted", 1.05)


async def urgent(folder: Path) -> bool:
    """Urgent calls while low ones flood."""
    async with sidecars(folder, 1) as (_, ports):
        flooding = asyncio.create_task(flood(ports[0], "report", OFFERED, SECONDS))
        took = sorted(await flood(ports[0], "urgent", URGENT_EACH_S, SECONDS))
        await flooding
    p50, p99 = statistics.median(took) * 1e3, took[int(len(took) * 0.99)] * 1e3
    print(
        f"urgent calls in a flood of low ones: p50 {p50:.0f} ms, p99 {p99:.0f} (asked: under 100)"
    )
    return p99 < 100


@contextmanager
def redis(port: int, folder: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Redis that keeps nothing."""
    command = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    running = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


async def measure(folder: Path) -> bool:
    parts = [one, urgent]
    if shutil.which("redis-server"):
        parts.append(three)
    else:
        print("no redis-server here: nothing is shared")
    return all([await part(folder) for part in parts])


def main() -> None:
    """Measure, and print."""
    if sys.argv[1:2] == ["provider"]:
        uvloop.run(provide(int(sys.argv[2])))
        return
    print(machine())
    with TemporaryDirectory() as folder:
        if not uvloop.run(measure(Path(folder))):
            sys.exit("a bound is broken")


if __name__ == "__main__":
    main()
