"""The addresses that callers come to."""

import asyncio
import socket
import ssl

from . import last_callers
from .connection import CallerConnection, CallerServer
from .owed import Owed
from .serve import Handler
from .settings import CallerSettings, ListenTlsSettings

_BACKLOG = 1024
_AT_ONCE_S = 0.001
_TLS_END_S = 1.0  # for the caller's own closing alert, which few send
_LINGER_S = 10.0  # for the rest of a body that was refused, so that its sender reads the answer


def tls_for_callers(settings: ListenTlsSettings) -> ssl.SSLContext:
    """Give what TLS with callers is done with: 1.2 or newer, HTTP/1.1 only.

    Raises:
        OSError: a file cannot be read; `ssl.SSLError`: it holds no certificate, or no key of it.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(settings.cert, settings.key)
    return context


class Listener:
    """Serves callers on any number of addresses; *owed* counts who is owed an answer."""

    def __init__(self, handler: Handler, settings: CallerSettings, owed: Owed) -> None:
        self._handler = handler
        self._settings = settings
        self._owed = owed
        self._server: CallerServer | None = None
        self._sites: list[asyncio.Server] = []
        self._tls: ssl.SSLContext | None = None
        self._last = set[asyncio.Task[None]]()

    async def start_tcp(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on an address; give the port.

        Raises:
            OSError: the address cannot be bound.
        """
        self._tls = tls
        loop = asyncio.get_running_loop()
        site = await loop.create_server(
            self._open(),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else self._settings.header_timeout,
            ssl_shutdown_timeout=None if tls is None else _TLS_END_S,
            backlog=_BACKLOG,
        )
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
        """Take no new connection, but for those that wait already; those that are open go on."""
        for site in self._sites:
            for taken in last_callers.take(site):
                self._serve_last(taken)
            site.close()
        self._sites.clear()

    def give_up(self) -> None:
        """Wait no longer for what callers have not sent yet: answer it as it is."""
        for connection in self._connections():
            connection.give_up()

    async def close(self, grace_s: float = 0.0) -> None:
        """Close every connection; one that is being answered has *grace_s* to come to its end."""
        self.stop_accepting()
        if self._server is None:
            return
        for task in self._last:
            task.cancel()  # who has not come through the handshake by now
        open_ones = [each.transport for each in self._connections() if each.transport is not None]
        self._server.pre_shutdown()  # those that wait for a request
        # aiohttp waits for this long twice, and takes 0 for ever.
        await self._server.shutdown(max(grace_s / 2, _AT_ONCE_S))
        for transport in open_ones:
            transport.abort()  # who does not take the end is not waited for; the kernel keeps it

    def _connections(self) -> list[CallerConnection]:
        every = self._server.connections if self._server is not None else []
        return [each for each in every if isinstance(each, CallerConnection)]

    def _serve_last(self, taken: socket.socket) -> None:
        tls = self._tls if taken.family != socket.AF_UNIX else None
        serving = last_callers.serve(taken, self._open(), tls, self._settings.header_timeout)
        task = asyncio.ensure_future(serving)
        self._last.add(task)
        task.add_done_callback(self._last.discard)

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
                owed=self._owed,
                head_timeout_s=settings.header_timeout,
                answer_fault=self._handler.answer_fault,
            )
        return self._server
