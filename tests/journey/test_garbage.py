"""What a call leaves behind: nothing that only the garbage collector would find."""

import asyncio
import gc
from typing import cast

import pytest

from tests.support.sidecar import provider, sidecar

WARM, CALLS = 50, 200
READ = b"GET /acme/x HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b'{"amount":1}'
PAYMENT = b"POST /acme/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Plain(asyncio.Protocol):
    """A provider that answers each segment, and keeps nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, _: bytes) -> None:
        self.transport.write(ANSWER)


async def call(
    times: int, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    async with asyncio.timeout(20):
        for _ in range(times):
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(2) == b"{}"


@pytest.mark.parametrize("request_", [READ, PAYMENT], ids=["read", "payment"])
async def test_a_success_leaves_no_cycle_behind(request_: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(Plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, sidecar({"acme": provider(port)}) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await call(WARM, request_, reader, writer)
        gc.collect()
        gc.disable()
        try:
            await call(CALLS, request_, reader, writer)
            found = gc.collect()
        finally:
            gc.enable()
            writer.close()
    assert found < CALLS
