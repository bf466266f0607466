"""What the benches share: processes on loopback, and what is said of the machine."""

import asyncio
import os
import platform
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from timeit import repeat
from typing import Final

ROOT: Final = Path(__file__).parents[1]


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


def machine() -> str:
    call_ns = min(repeat("f()", "def f(): pass", number=100_000)) * 1e4
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores (shared by load, peers and sidecar), "
        f"Python {platform.python_version()} (calls an empty function in {call_ns:.0f} ns), "
        f"uvloop {version('uvloop')}, aiohttp {version('aiohttp')}"
    )
