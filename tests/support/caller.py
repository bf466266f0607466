"""A caller of raw bytes that keeps its connection, and what every refusal must look like."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.sidecar import Reply, read_reply

MEMBERS = [
    "error_code",
    "error_type",
    "message",
    "details",
    "trace_id",
    "request_id",
    "origin",
    "outcome",
    "outcome_id",
    "retryable",
    "retry_after",
    "attempts",
    "provider",
]
PROVIDER_MEMBERS = ["name", "status", "code", "type", "message", "span_id", "reference", "body"]
TIMEOUT_S = 5.0


class Caller:
    """One connection to a sidecar."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self, *, is_head: bool = False) -> Reply:
        """Read exactly one answer, by its own framing."""
        async with asyncio.timeout(TIMEOUT_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            fields = head.lower()
            status = int(head[9:12])
            if is_head or status in {204, 304} or status < 200:
                body = b""
            elif b"transfer-encoding: chunked" in fields:
                body = await self._chunks()
            elif b"content-length:" in fields:
                length = int(fields.partition(b"content-length:")[2].partition(b"\r\n")[0])
                body = await self.reader.readexactly(length)
            else:
                body = await self.reader.read()
        # Framed by a length or by the connection's end, a body alone is no answer: parse the head.
        reply = read_reply(head, is_head=True)
        return Reply(reply.status, reply.headers, body, is_whole=True)

    async def rest(self) -> bytes:
        """Read until the sidecar closes."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.reader.read()

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body


@asynccontextmanager
async def caller(port: int) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


def head(line: str, *fields: str, host: str | None = "paysluice") -> bytes:
    """Give the head of a request; *host* None leaves its field out."""
    lines = [line, *([] if host is None else [f"Host: {host}"]), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def sound_envelope(reply: Reply, *, media_type: str = "application/json") -> dict[str, Any]:
    """Give the envelope of *reply*, once it is known to be one, with all that goes with it."""
    envelope: dict[str, Any] = reply.json
    assert [name for name in envelope if name in MEMBERS] == MEMBERS
    assert list(envelope["provider"]) == PROVIDER_MEMBERS
    assert envelope["message"]
    assert reply.header("Content-Type") == media_type
    assert reply.header("Content-Length") == str(len(reply.body))
    assert reply.header("Paysluice-Request-Id") == envelope["request_id"]
    assert reply.header("Paysluice-Attempts") == str(envelope["attempts"])
    assert reply.header("Paysluice-Error-Code") == envelope["error_code"]
    assert reply.header("Paysluice-Outcome") == envelope["outcome"]
    assert reply.header("Paysluice-Retryable") == str(envelope["retryable"]).lower()
    assert (reply.header("Proxy-Status") or "").startswith("paysluice")
    assert reply.header("Date") is not None
    assert reply.header("Server") is None
    return envelope
