"""A whole sidecar on a port of its own, and a caller that speaks to it in raw bytes."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httptools
import yaml

from proxy.app import App
from proxy.settings import Settings, load
from proxy.system import NewIds, SystemClock, roll

FAST = {"backoff": {"base": "1ms", "cap": "2ms"}, "budget": {"ratio": 1.0, "min_per_second": 1000}}


@dataclass
class Reply:
    """What a caller was told."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_whole: bool

    def header(self, name: str) -> str | None:
        for key, value in self.headers:
            if key.lower() == name.lower().encode():
                return value.decode("latin-1")
        return None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Parse:
    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.is_complete = True


@dataclass
class Sidecar:
    """A sidecar that runs, and its log."""

    app: App
    log: io.StringIO
    file: Path

    @property
    def port(self) -> int:
        return next(each.port for each in self.app.addresses if not each.path)

    def write(self, providers: dict[str, Any], **settings: Any) -> None:
        """Write another config, which nobody has read yet."""
        config = yaml.safe_load(self.file.read_text())
        self.file.write_text(yaml.safe_dump({**config, "providers": providers, **settings}))

    def metrics(self) -> str:
        """Scrape it, as Prometheus would read it."""
        return self.app._metrics.render("")[0].decode()

    async def ask(
        self,
        method: str = "POST",
        target: str = "/acme/payments",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Send one request on a connection of its own, and read its answer."""
        lines = [f"{method} {target} HTTP/1.1", "Host: paysluice", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return await self.send(head + (body or b""), is_head=method == "HEAD")

    async def send(self, raw: bytes, *, is_head: bool = False) -> Reply:
        """Send bytes as they are, and read one answer to the end of the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(raw)
            data = await reader.read()
        finally:
            writer.close()
        return read_reply(data, is_head=is_head)


def read_reply(data: bytes, *, is_head: bool = False) -> Reply:
    parse = _Parse()
    head, end, rest = data.partition(b"\r\n\r\n")
    parse.parser.feed_data(head + end)
    if is_head:
        assert rest == b"", "an answer to a HEAD has no body"
    else:
        parse.parser.feed_data(rest)
    return Reply(
        parse.parser.get_status_code(), parse.headers, parse.body, parse.is_complete or is_head
    )


def provider(port: int, **settings: Any) -> dict[str, Any]:
    """Give the settings of a provider on a loopback port, quick to retry."""
    return {"base_url": f"http://127.0.0.1:{port}", "retry": FAST, **settings}


@asynccontextmanager
async def sidecar(
    providers: dict[str, Any], environ: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[Sidecar]:
    """Run a sidecar with *providers* until the block ends."""
    config = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "drain": {"delay": "0ms", "timeout": "1s"},
        "providers": providers,
        **settings,
    }
    with TemporaryDirectory() as folder:
        file = Path(folder) / "paysluice.yaml"
        file.write_text(yaml.safe_dump(config))

        def read() -> Settings:
            return load(str(file), environ or {})

        log = io.StringIO()
        app = App(
            read(),
            version="test",
            clock=SystemClock(),
            roll=roll,
            new_id=NewIds(),
            stdout=log,
            read_again=read,
        )
        await app.start()
        try:
            yield Sidecar(app, log, file)
        finally:
            await app.drain()
            await app.close()
