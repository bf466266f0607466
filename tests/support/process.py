"""A sidecar as its operator runs it: a process of its own, with its log and its memory."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 20.0
LOOK_EVERY_S = 0.005
SIM = {"sim": {"profile": "sim", "base_url": "simulator"}}


def environ(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Give an environment without settings of ours, in which byte code is kept as installed."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PAYSLUICE", "PYTHONDONTWRITEBYTECODE", "COVERAGE"))
    }
    return kept | {"PYTHONWARNINGS": "error"} | (extra or {})


@dataclass
class Process:
    """A process that runs, and the lines of its log so far."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def rss_kib(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        async with asyncio.timeout(TIMEOUT_S):
            return await self.process.wait()

    async def line(self, event: str) -> dict[str, Any]:
        """Wait for the first line of the log that tells of *event*."""
        assert self.process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                for line in self.lines:
                    if line["event"] == event:
                        return line
                text = await self.process.stdout.readline()
                assert text, f"the log ended before {event}"
                self.lines.append(json.loads(text))


async def spawn(arguments: list[str], env: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proxy",
        *arguments,
        cwd=ROOT,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def process(
    folder: Path, env: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[Process]:
    """Run `python -m proxy run` on ports of its own until the block ends."""
    config = {
        "listen": "127.0.0.1:0",
        "admin": f"unix:{folder}/admin.sock",
        "drain": {"delay": "0ms", "timeout": "5s"},
        "providers": SIM,
        **settings,
    }
    file = folder / "paysluice.yaml"
    file.write_text(yaml.safe_dump(config))
    one = Process(await spawn(["run", "--config", str(file)], environ(env)))
    try:
        started = await one.line("started")
        one.port = int(started["address"].rpartition(":")[2])
        yield one
    finally:
        with suppress(ProcessLookupError):
            one.process.kill()
        await one.process.communicate()


async def ready(folder: Path) -> bool:
    """Ask the admin listener's `/readyz`."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(folder / "admin.sock"))
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return (await reader.read()).startswith(b"HTTP/1.1 200")
    finally:
        writer.close()


async def seconds_to_ready(folder: Path) -> tuple[float, float]:
    """Start a process; give the seconds until `/readyz` said yes, of the clock and of its work."""
    file = folder / "paysluice.yaml"
    config = {"listen": "127.0.0.1:0", "admin": f"unix:{folder}/admin.sock", "providers": SIM}
    file.write_text(yaml.safe_dump(config))
    began = time.monotonic()
    started = await spawn(["run", "--config", str(file)], environ())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while not await ready(folder):  # noqa: ASYNC110 - another process: nothing tells us
                await asyncio.sleep(LOOK_EVERY_S)
        return time.monotonic() - began, _cpu_s(started.pid)
    finally:
        started.kill()
        await started.communicate()


def _cpu_s(pid: int) -> float:
    """Give the processor's seconds that a process has used: others on the machine do not count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
