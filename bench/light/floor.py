"""What is left of a proxy without any rule: the floor under every one that has aiohttp in front.

    python bench/light/floor.py front|leg PORT PROVIDER_PORT

`front` answers by itself, with bytes it has ready. `leg` sends the request on as it came over a
kept connection, and hands back the bytes of the answer. No header is looked at, nothing is timed,
nothing is counted, and a connection that breaks takes its request with it.
"""

import asyncio
import sys
from typing import Final, cast

import httptools
import uvloop
from aiohttp import web

BODY: Final = b'{"id": "pay_1", "status": "succeeded", "amount": 1000, "currency": "EUR"}'
READY: Final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Written:
    """What aiohttp is told of an answer that is on the wire already."""

    keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing."""

    async def write_eof(self) -> None:
        """Do nothing."""


DONE: Final = cast("web.StreamResponse", Written())


class Leg(asyncio.Protocol):
    """One connection to the provider, and the answer that is coming."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> "asyncio.Future[None]":
        """Send *request*; what is given ends with its answer."""
        self.pieces: list[bytes] = []
        self.parser = httptools.HttpResponseParser(self)
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answered

    def data_received(self, data: bytes) -> None:
        """Keep the bytes; find out where they end."""
        self.pieces.append(data)
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Tell who waits."""
        self.answered.set_result(None)


class Forwarder:
    """Answers at once, or sends on."""

    def __init__(self, provider_port: int | None) -> None:
        self._provider_port = provider_port
        self._idle: list[Leg] = []

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        answer = READY if self._provider_port is None else await self._ask(request)
        if request.transport is not None:
            request.transport.write(answer)
        return DONE

    async def _ask(self, request: web.BaseRequest) -> bytes:
        while self._idle and self._idle[-1].transport.is_closing():
            self._idle.pop()
        leg = self._idle.pop() if self._idle else await self._connect()
        parts = [request.method.encode(), b" ", request.raw_path.encode(), b" HTTP/1.1\r\n"]
        for name, value in request.raw_headers:
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"\r\n")
        await leg.ask(b"".join(parts))
        self._idle.append(leg)
        return b"".join(leg.pieces)

    async def _connect(self) -> Leg:
        loop = asyncio.get_running_loop()
        _, leg = await loop.create_connection(Leg, "127.0.0.1", self._provider_port)
        return leg


async def main(mode: str, port: int, provider_port: int) -> None:
    """Serve until the process is ended."""
    forwarder = Forwarder(provider_port if mode == "leg" else None)
    server = web.Server(forwarder.serve, access_log=None)
    await asyncio.get_running_loop().create_server(server, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
