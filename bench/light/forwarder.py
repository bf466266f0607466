"""What one would write in an afternoon: an aiohttp handler around aiohttp's own client.

python forwarder.py PORT PROVIDER-URL
"""

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, TCPConnector, web


async def forward(port: int, provider: str) -> None:
    """Forward until the process is ended."""
    connector = TCPConnector(ssl=False, limit=1000)
    async with ClientSession(connector=connector, auto_decompress=False) as session:

        async def handle(request: web.BaseRequest) -> web.Response:
            body = await request.read()
            asked = session.request(
                request.method, provider + request.raw_path, data=body, headers=request.headers
            )
            async with asked as answer:
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    content_type=answer.content_type,
                )

        await asyncio.get_running_loop().create_server(web.Server(handle), "127.0.0.1", port)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(forward(int(sys.argv[1]), sys.argv[2]))
