"""The processes that the sidecar is measured beside.

`provider PORT` answers each request at once, with as little of its own as can be. `forwarder PORT
PROVIDER` is what one would write in an afternoon: an aiohttp handler around aiohttp's own client,
without a retry, a limit, a metric or a log.
"""

import asyncio
import sys
from typing import Final, cast

import uvloop
from aiohttp import ClientSession, web

BODY: Final = b'{"amount":1000,"currency":"EUR","reference":"order-1"}'
ANSWER_BODY: Final = b'{"id":"pay_1","status":"succeeded","amount":1000,"currency":"EUR"}'
ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(ANSWER_BODY), ANSWER_BODY)
)


class Provider(asyncio.Protocol):
    """Answers each request as soon as all of it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if self._seen.endswith(BODY):
            self._seen = b""
            self._transport.write(ANSWER)


async def provide(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port)
    await server.serve_forever()


async def forward(port: int, provider: int) -> None:
    url = f"http://127.0.0.1:{provider}"
    async with ClientSession(auto_decompress=False) as session:

        async def handle(request: web.BaseRequest) -> web.Response:
            body = await request.read()
            target = url + request.raw_path
            async with session.post(target, data=body, headers=request.headers) as answer:
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    content_type=answer.content_type,
                )

        await asyncio.get_running_loop().create_server(web.Server(handle), "127.0.0.1", port)
        await asyncio.Event().wait()


if __name__ == "__main__":
    kind, ports = sys.argv[1], [int(port) for port in sys.argv[2:]]
    uvloop.run(provide(*ports) if kind == "provider" else forward(*ports))
