"""An address on which aiohttp's low-level server listens: opened, and stopped with a grace."""

import asyncio
import socket
from collections.abc import Callable

from aiohttp import web


class Endpoint:
    """One address. The server is made when it is opened: it belongs to the loop that runs then."""

    def __init__(self, make_server: Callable[[], web.Server], *, grace_s: float) -> None:
        self._make_server = make_server
        self._grace_s = grace_s
        self._server: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self.port = 0

    async def open(self, host: str, port: int) -> None:
        """Listen on an address; port 0 takes a free one, which `port` then tells.

        Raises:
            OSError: it cannot be bound.
        """
        server = self._server = self._make_server()
        self._listener = await asyncio.get_running_loop().create_server(server, host, port)
        self.port = int(self._listener.sockets[0].getsockname()[1])

    async def open_unix(self, bound: socket.socket) -> None:
        """Listen on a Unix socket that is bound already."""
        server = self._server = self._make_server()
        self._listener = await asyncio.get_running_loop().create_unix_server(server, sock=bound)

    async def close(self) -> None:
        """Stop listening; what is under way may end within the grace."""
        if self._listener is None or self._server is None:
            return
        self._listener.close()
        self._server.pre_shutdown()
        await self._server.shutdown(self._grace_s)
        await self._listener.wait_closed()
        self._listener = self._server = None
