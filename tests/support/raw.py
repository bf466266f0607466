"""A provider of raw bytes: it does what its script says, and keeps every byte it was sent."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http.client import NO_CONTENT, responses
from typing import Self


@dataclass
class Seen:
    """One request, as it came."""

    connection: int
    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:]
        return [(name, value.strip(b" ")) for name, _, value in (x.partition(b":") for x in lines)]

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name.lower()]


@dataclass
class Connected:
    """A connection that a step may do to as it likes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_open: bool = True

    def close(self) -> None:
        self.is_open = False
        self.writer.close()

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        self.is_open = False
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Step = Callable[[Connected], Awaitable[None]]


def answer(
    status: int = 200,
    body: bytes = b"{}",
    headers: list[tuple[str, str]] | None = None,
    *,
    keep: bool = True,
) -> Step:
    lines = [
        f"HTTP/1.1 {status} {responses.get(status, 'X')}",
        *(f"{n}: {v}" for n, v in headers or []),
    ]
    if status != NO_CONTENT:
        lines.append(f"Content-Length: {len(body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return send(head + body, keep=keep)


def send(data: bytes, *, keep: bool = True, reset: bool = False) -> Step:
    async def step(connected: Connected) -> None:
        connected.writer.write(data)
        with contextlib.suppress(ConnectionError):
            await connected.writer.drain()
        if reset:
            connected.reset()
        elif not keep:
            connected.close()

    return step


async def close(connected: Connected) -> None:
    connected.close()


async def reset(connected: Connected) -> None:
    connected.reset()


async def hang(connected: Connected) -> None:
    """Say nothing until the other side gives up."""
    await connected.reader.read()
    connected.close()


@dataclass
class RawProvider:
    """Serves *steps*, one a request; the last one for all that follow."""

    steps: list[Step]
    tls: ssl.SSLContext | None = None
    before_read: Step | None = None  # done in place of reading, once a connection is made
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    bytes_seen: int = 0
    port: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)  # a request has come
    _server: asyncio.Server | None = None
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self.tls, limit=2**20
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._script: Iterator[Step] = iter(self.steps)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def requests(self) -> int:
        return len(self.seen)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        connected = Connected(reader, writer)
        try:
            await self._serve(connected, self.connections)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, connected: Connected, number: int) -> None:
        if self.before_read is not None:
            await self.before_read(connected)
        while connected.is_open:
            head = (await connected.reader.readuntil(b"\r\n\r\n"))[:-4]
            self.bytes_seen += len(head) + 4
            seen = Seen(number, head, b"")
            self.seen.append(seen)
            self.arrived.set()
            seen.body = await self._body(connected.reader, seen)
            self.bytes_seen += len(seen.body)
            await self._next()(connected)

    def _next(self) -> Step:
        step = next(self._script, None)
        return self.steps[-1] if step is None else step

    async def _body(self, reader: asyncio.StreamReader, seen: Seen) -> bytes:
        if seen.values(b"transfer-encoding"):
            body = b""
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
            return body
        lengths = seen.values(b"content-length")
        return await reader.readexactly(int(lengths[0])) if lengths else b""
