"""How a way is loaded, and what is read off: its processor time, its memory, what callers see."""

import asyncio
import os
import re
import socket
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The load and the provider share one core, and each way has the other to itself.
_CORES: Final = sorted(os.sched_getaffinity(0))
LOAD_CORE: Final = _CORES[0]
WAY_CORE: Final = _CORES[-1]
BORNE: Final = 0.98  # of the rate that was asked for
READY_S: Final = 20.0
BODY: Final = '{"amount": 1000, "currency": "EUR", "reference": "order-1"}'.ljust(1024)


@dataclass(frozen=True)
class Scenario:
    """A kind of call."""

    name: str
    path: str
    method: str = "GET"
    connections: int = 16
    is_tls: bool = False
    is_error: bool = False
    providers: int = 1
    routes: int = 1


SCENARIOS: Final = (
    Scenario("GET", "/payments"),
    Scenario("POST 1 KB", "/payments", "POST"),
    Scenario("422", "/refused", "POST", is_error=True),
    Scenario("TLS", "/payments", is_tls=True),
    Scenario("64 KiB", "/big"),
    Scenario("1,000 connections", "/payments", connections=1000),
    Scenario("33 providers, 200 routes", "/payments", providers=33, routes=200),
)


@dataclass(frozen=True)
class Load:
    """What came of one load."""

    per_second: float
    cpu_us: float  # of the way, for each request
    requests: int


@dataclass(frozen=True)
class Latency:
    """What callers waited, in milliseconds, and what the way needed for each of them."""

    p50: float
    p90: float
    p99: float
    cpu_us: float = 0.0


class LoadError(Exception):
    """The load did not go as it was meant, so its numbers mean nothing."""


def free_ports(count: int) -> list[int]:
    """Give ports that nobody listens on."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in taken]
    for each in taken:
        each.close()
    return ports


async def run(*command: str) -> str:
    """Run a command to its end; give what it wrote."""
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await child.communicate()
    return out.decode()


@asynccontextmanager
async def process(port: int, core: int, command: Sequence[str]) -> AsyncIterator[tuple[int, float]]:
    """Run a process until the block ends; give its pid, and the seconds until it took callers."""
    began = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        "taskset", "-c", str(core), *command, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(READY_S):
            while not await _listens(port):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.005)
        yield child.pid, time.perf_counter() - began
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself, and said why
            child.terminate()
        await child.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def load(url: str, scenario: Scenario, pid: int, seconds: int, folder: Path) -> Load:
    """Ask as fast as answers come.

    Raises:
        LoadError: something else came than was meant.
    """
    script = folder / "load.lua"
    script.write_text(
        f"wrk.method = '{scenario.method}'\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
        + (f"wrk.body = '{BODY}'\n" if scenario.method == "POST" else "")
    )
    command = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "-s", str(script), url]
    used = cpu_s(pid)
    said = await run("taskset", "-c", str(LOAD_CORE), *command)
    used = cpu_s(pid) - used
    found = re.search(r"(\d+) requests in .*?Requests/sec:\s*([\d.]+)", said, re.DOTALL)
    if found is None or "Socket errors" in said or ("Non-2xx" in said) != scenario.is_error:
        msg = f"{url}: {said}"
        raise LoadError(msg)
    requests = int(found[1])
    return Load(float(found[2]), used / requests * 1e6, requests)


async def latency(
    url: str, each_s: int, seconds: int, folder: Path, pid: int | None = None
) -> Latency | None:
    """Ask so many times a second, on ten connections, and give what each call waited.

    None where that is more than the way bears.
    """
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    command = ["h2load", "--h1", "-c", "10", "--rps", str(each_s // 10), "-D", str(seconds)]
    used = 0.0 if pid is None else cpu_s(pid)
    await run("taskset", "-c", str(LOAD_CORE), *command, "--log-file", str(log), url)
    used = 0.0 if pid is None else cpu_s(pid) - used
    lines = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
    took = [int(line[2]) / 1000 for line in lines if line[1] == "200"]
    if len(took) < each_s * seconds * BORNE:
        return None
    cuts = statistics.quantiles(took, n=100)
    return Latency(cuts[49], cuts[89], cuts[98], used / len(took) * 1e6)


def cpu_s(pid: int) -> float:
    """Give the processor time that a process has used."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Give what a process holds in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError
