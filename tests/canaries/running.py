"""A sidecar whose every output is kept: what it prints, serves to its operator, and writes."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.canaries.canaries import Eye
from tests.support.process import TIMEOUT_S, environ, spawn
from tests.support.sidecar import Reply, read_reply

# Nothing but the canary under test decides what is told.
PATIENT: Any = {
    "retry": {"max_attempts": 2, "backoff": {"base": "1ms", "cap": "1ms"}},
    "breaker": {"min_requests": 1_000_000},
    "timeouts": {"attempt": "2s", "total": "3s"},
}
VIEWS = ("/metrics", "/status", "/config", "/outcomes", "/outcomes?settled=1",
         "/outcomes?format=csv", "/healthz", "/readyz", "/", "/?reference=order-1")  # fmt: skip

_STARTED = re.compile(rb"\bstarted\b.*address[^\n]{1,4}127\.0\.0\.1:(\d+)")
MAY_BE_EMPTY = ("stderr", "ledger.db-wal", "ledger.db-shm")


@dataclass
class Running:
    """A sidecar, and all that it has said to anybody but its callers."""

    folder: Path
    process: asyncio.subprocess.Process
    port: int = 0
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    served: dict[str, bytearray] = field(default_factory=dict)
    traces: bytes = b""  # what a collector of spans was sent

    async def start(self) -> None:
        """Wait until it says where it listens, in JSON or in words."""
        async with asyncio.timeout(TIMEOUT_S):
            while (told := _STARTED.search(self.stdout)) is None:
                assert self.process.returncode is None, bytes(self.stderr)
                await asyncio.sleep(0.01)
        self.port = int(told[1])

    async def ask(self, raw: bytes, port: int | None = None) -> bytes:
        """Send bytes as a caller, or to another *port*; give all that comes back."""
        return await _ask(await asyncio.open_connection("127.0.0.1", port or self.port), raw)

    async def admin(self, target: str, method: str = "GET", body: Any = None) -> Reply:
        """Ask as the operator, and keep what was told."""
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        path = f"{self.folder}/admin.sock"
        told = await _ask(await asyncio.open_unix_connection(path), f"{head}\r\n".encode() + data)
        self.served.setdefault(target.partition("/resolve")[0], bytearray()).extend(told)
        return read_reply(told)

    async def look(self) -> None:
        """Have the operator look at everything there is."""
        for view in VIEWS:
            reply = await self.admin(view)
            assert reply.status == 200, (view, reply.body)

    async def look_closely(self) -> None:
        """Have the operator look at each payment as well."""
        await self.look()
        for settled in ("", "?settled=1"):
            for each in (await self.admin(f"/outcomes{settled}")).json["outcomes"]:
                assert (await self.admin(f"/outcomes/{each['id']}")).status == 200

    def outputs(self) -> dict[str, bytes]:
        """Give everything that was said, by where it was."""
        files = {each.name: each.read_bytes() for each in self.folder.glob("ledger.db*")}
        said = {"stdout": bytes(self.stdout), "stderr": bytes(self.stderr)}
        said |= {"traces": self.traces} if self.traces else {}
        return said | {name: bytes(each) for name, each in self.served.items()} | files

    def leaks(self, eye: Eye, others: Mapping[str, Eye] | None = None) -> str:
        """Give what *eye* sees in any output, or that of *others* in theirs: a line each."""
        found = []
        for name, data in self.outputs().items():
            assert data or name in MAY_BE_EMPTY, name
            seen = (others or {}).get(name, eye).sees(data)
            found += [f"{name}: {each!r}" for each in sorted(set(seen))]
        return "\n".join(found)


async def _ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], raw: bytes) -> bytes:
    reader, writer = streams
    data = b""
    try:
        writer.write(raw)
        async with asyncio.timeout(TIMEOUT_S):
            with suppress(ConnectionError):
                while more := await reader.read(65_536):
                    data += more
    finally:
        writer.close()
    return data


async def _keep(stream: asyncio.StreamReader | None, kept: bytearray) -> None:
    assert stream is not None
    while data := await stream.read(65_536):
        kept += data


@asynccontextmanager
async def running(
    folder: Path, providers: Any, env: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[Running]:
    """Run a process that says all it can until the block ends, and to its last word."""
    config = {
        "listen": "127.0.0.1:0",
        "admin": f"unix:{folder}/admin.sock",
        "drain": {"delay": "0ms", "timeout": "5s"},
        "log": {"level": "debug"},
        "providers": providers,
        **settings,
    }
    file = folder / "paysluice.yaml"
    file.write_text(yaml.safe_dump(config))
    one = Running(folder, await spawn(["run", "--config", str(file)], environ(env)))
    keeping = [
        asyncio.ensure_future(_keep(one.process.stdout, one.stdout)),
        asyncio.ensure_future(_keep(one.process.stderr, one.stderr)),
    ]
    try:
        await one.start()
        yield one
        one.process.terminate()
        async with asyncio.timeout(TIMEOUT_S):
            await one.process.wait()
    finally:
        with suppress(ProcessLookupError):
            one.process.kill()
        await asyncio.gather(*keeping)
