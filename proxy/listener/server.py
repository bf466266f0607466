"""The addresses that callers come to."""

import asyncio
import socket
import ssl

from .connection import CallerServer
from .serve import Handler
from .settings import CallerSettings

_BACKLOG = 1024
_AT_ONCE_S = 0.001  # aiohttp takes 0 for ever
_LINGER_S = 10.0  # for the rest of a body that was refused, so that its sender reads the answer


class Listener:
    """Serves callers on any number of addresses."""

    def __init__(self, handler: Handler, settings: CallerSettings) -> None:
        self._handler = handler
        self._settings = settings
        self._server: CallerServer | None = None
        self._sites: list[asyncio.Server] = []

    async def start_tcp(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on an address; give the port.

        Raises:
            OSError: the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        site = await loop.create_server(self._open(), host, port, ssl=tls, backlog=_BACKLOG)
        self._sites.append(site)
        bound: int = site.sockets[0].getsockname()[1]
        return bound

    async def start_socket(self, bound: socket.socket) -> None:
        """Listen on a socket that is bound already: a Unix socket."""
        loop = asyncio.get_running_loop()
        self._sites.append(
            await loop.create_unix_server(self._open(), sock=bound, backlog=_BACKLOG)
        )

    def stop_accepting(self) -> None:
        """Take no new connection; those that are open go on."""
        for site in self._sites:
            site.close()

    async def drain(self, timeout_s: float) -> None:
        """Wait until every caller has its whole answer, for *timeout_s* at most."""
        await self._handler.drain(timeout_s)

    async def close(self, grace_s: float = _AT_ONCE_S) -> None:
        """Close every connection; one that is being answered has *grace_s* to come to its end."""
        self.stop_accepting()
        if self._server is not None:
            self._server.pre_shutdown()  # those that wait for a request
            await self._server.shutdown(grace_s)

    def _open(self) -> CallerServer:
        if self._server is None:
            settings = self._settings
            self._server = CallerServer(
                self._handler.serve,
                access_log=None,
                auto_decompress=False,  # bodies go on byte for byte
                max_line_size=settings.max_line,
                max_field_size=settings.max_header_bytes,
                max_headers=settings.max_headers,
                keepalive_timeout=settings.idle_timeout,
                lingering_time=min(_LINGER_S, settings.body_timeout),
                head_timeout_s=settings.header_timeout,
                answer_fault=self._handler.answer_fault,
            )
        return self._server
