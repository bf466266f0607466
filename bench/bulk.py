"""The two ends of a body: who pushes it, who reads it and may stop, a caller, a raw provider."""

import asyncio
from typing import Final

MB: Final = 1_000_000
SIZE: Final = 200 * MB
SMALL: Final = b"{}"
_PIECE: Final = bytes(100_000)
_READ_AT_ONCE: Final = 1_048_576
_STOP_AFTER: Final = 1 * MB

Caller = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def caller(port: int, line: str, *fields: str) -> Caller:
    """Open a connection, and send the head of a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([f"{line} HTTP/1.1", "Host: bench", *fields, "", ""]).encode())
    return reader, writer


class Pushing:
    """Writes `SIZE` bytes, as fast as they are taken."""

    def __init__(self, writer: asyncio.StreamWriter, *, is_chunked: bool) -> None:
        self._writer = writer
        self._is_chunked = is_chunked
        self._written = 0

    @property
    def taken(self) -> int:
        """Give the bytes that the kernel took so far."""
        return self._written - self._writer.transport.get_write_buffer_size()

    async def body(self) -> None:
        piece = b"%x\r\n%b\r\n" % (len(_PIECE), _PIECE) if self._is_chunked else _PIECE
        for _ in range(SIZE // len(_PIECE)):
            self._writer.write(piece)
            self._written += len(piece)
            await self._writer.drain()
        if self._is_chunked:
            self._writer.write(b"0\r\n\r\n")


class Reading:
    """Reads one body; where it *stops* it does so early, until told to `go_on`."""

    def __init__(self, *, stops: bool = False) -> None:
        self.has_stopped = asyncio.Event()
        self.go_on = asyncio.Event()
        if not stops:
            self.go_on.set()
        self._count = 0

    async def body(self, reader: asyncio.StreamReader, head: bytes) -> int:
        """Give the size of the body, framing taken off."""
        fields = head.lower()
        if b"transfer-encoding: chunked" in fields:
            while size := int(await reader.readline(), 16):
                await self._exactly(reader, size)
                await reader.readline()
            await reader.readline()
        else:
            length = fields.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await self._exactly(reader, int(length))
        return self._count

    async def answer(self, reader: asyncio.StreamReader) -> int:
        """Read a 200 and give the size of its body."""
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(head)
        return await self.body(reader, head)

    async def _exactly(self, reader: asyncio.StreamReader, size: int) -> None:
        while size:
            piece = await reader.read(min(size, _READ_AT_ONCE))
            if not piece:
                raise EOFError
            size -= len(piece)
            self._count += len(piece)
            if self._count >= _STOP_AFTER and not self.go_on.is_set():
                self.has_stopped.set()
                await self.go_on.wait()


class Provider:
    """Answers GET /length and GET /chunked with `SIZE` bytes, all else once it has the body."""

    def __init__(self, *, stops_reading: bool = False) -> None:
        self.reading = Reading(stops=stops_reading)
        self.read = 0  # bytes of the last body
        self.pushing: Pushing | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._answer(reader, writer)
        except (EOFError, ConnectionError):
            pass  # the sidecar is done with this connection
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/small " not in head and head.startswith(b"GET"):
            is_chunked = b"/chunked " in head
            framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % SIZE
            writer.write(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % framing)
            self.pushing = Pushing(writer, is_chunked=is_chunked)
            await self.pushing.body()
            return
        if head.startswith(b"POST"):
            self.read = await self.reading.body(reader, head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(SMALL), SMALL))
