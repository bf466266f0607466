"""Through an HTTP proxy to the provider: CONNECT (RFC 9110 section 9.3.6), before any request."""

import asyncio
import re
import socket
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from proxy.terms import ProxyError

MAX_ANSWER_BYTES: Final = 16_384
_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?\r\n")
_SUCCESSFUL: Final = range(200, 300)
_TIMED_OUT: Final = frozenset({408, 504})


class Tunnel(Struct, frozen=True):
    """The proxy that connections go out through."""

    host: str
    port: int
    # The value of Proxy-Authorization, asked for each connection: a secret may rotate.
    authorization: Callable[[], bytes | None]
    on_refused: Callable[[int], None]  # told of the proxy's status where it opens no tunnel


async def open_tunnel(
    opened: socket.socket, tunnel: Tunnel, host: str, port: int
) -> ProxyError | None:
    """Ask the proxy at the other end of *opened* for a tunnel; say why there is none.

    Raises:
        OSError: the connection to the proxy broke.
    """
    loop = asyncio.get_running_loop()
    authority = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}").encode("ascii")
    credentials = tunnel.authorization()
    fields = [b"Host: " + authority]
    if credentials is not None:
        fields.append(b"Proxy-Authorization: " + credentials)
    await loop.sock_sendall(
        opened, b"\r\n".join((b"CONNECT %b HTTP/1.1" % authority, *fields, b"", b""))
    )
    status = await _final_status(loop, opened)
    if isinstance(status, ProxyError):
        return status
    if status in _SUCCESSFUL:
        return None
    tunnel.on_refused(status)
    # Whatever it says, the provider was not reached.
    return ProxyError.CONNECTION_TIMEOUT if status in _TIMED_OUT else ProxyError.CONNECTION_REFUSED


async def _final_status(loop: asyncio.AbstractEventLoop, opened: socket.socket) -> int | ProxyError:
    answer = b""
    while True:
        head, end, rest = answer.partition(_END)
        if end:
            found = _STATUS.match(head + b"\r\n")
            if found is None:
                return ProxyError.HTTP_PROTOCOL_ERROR
            status = int(found[1])
            if status in _SUCCESSFUL and rest:  # nobody behind a tunnel speaks first
                return ProxyError.HTTP_PROTOCOL_ERROR
            if status >= _SUCCESSFUL.start:
                return status
            answer = rest  # an interim answer: the final one is still to come
            continue
        if len(answer) > MAX_ANSWER_BYTES:
            return ProxyError.HTTP_RESPONSE_HEADER_SIZE
        piece = await loop.sock_recv(opened, MAX_ANSWER_BYTES)
        if not piece:
            return ProxyError.CONNECTION_TERMINATED
        answer += piece
