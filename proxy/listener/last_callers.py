"""Callers whom the kernel has let in, and who wait to be taken when a listener is to close.

A listening socket that is closed resets them, and some have written a whole request by then: to
them a payment is lost of which nothing was read. So they are taken first, as many as there are.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress

_MOST = 4096  # those who come as fast as they are taken do not hold up the end


def take(site: asyncio.Server) -> Iterator[socket.socket]:
    """Give the connections that wait on *site*, without waiting for any."""
    for listening in site.sockets:
        # A copy of its own: the loop's cannot be asked, and asks for itself only when it turns.
        with socket.socket(fileno=socket.dup(listening.fileno())) as waiting:
            waiting.settimeout(0)
            for _ in range(_MOST):
                try:
                    yield waiting.accept()[0]
                except OSError:  # nobody else; or one who has gone, or no room for another
                    break


async def serve(
    taken: socket.socket,
    make: Callable[[], asyncio.Protocol],
    tls: ssl.SSLContext | None,
    handshake_s: float,
) -> None:
    """Serve one of them as the loop serves those that it takes itself."""
    taken.settimeout(0)
    with suppress(OSError):  # who has gone meanwhile
        await asyncio.get_running_loop().connect_accepted_socket(
            make, taken, ssl=tls, ssl_handshake_timeout=None if tls is None else handshake_s
        )
