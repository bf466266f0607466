"""What became of the bytes that were written to a caller, as far as the kernel tells."""

import fcntl
import select
import socket
import struct
import termios
from asyncio import Transport
from typing import Final

_TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)
_BYTES_ACKED: Final = 120  # where Linux has `tcpi_bytes_acked` in its struct tcp_info (since 4.1)
_INFO_BYTES: Final = 192
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


def is_tls(transport: Transport) -> bool:
    """Whether what is written is encrypted first, and so buffered in two places."""
    return transport.get_extra_info("sslcontext") is not None


def is_flushed(transport: Transport) -> bool:
    """Whether the kernel may have it all: nothing waits above TLS, and the socket takes more.

    uvloop does not show what waits below TLS. It writes that whenever the socket takes more: so it
    is gone once this was so in several turns of the loop.
    """
    if transport.get_write_buffer_size():
        return False
    own = transport.get_extra_info("socket")
    if own is None:
        return True
    poll = select.poll()
    poll.register(own.fileno(), select.POLLOUT)
    return bool(poll.poll(0))


def taken_bytes(transport: Transport) -> int:
    """Give a count that grows with each byte the caller's side has taken."""
    own = transport.get_extra_info("socket")
    waiting = transport.get_write_buffer_size()
    if own is None:
        return -waiting
    try:
        if _TCP_INFO is not None and own.family != socket.AF_UNIX:
            info = own.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES)
            if len(info) >= _BYTES_ACKED + 8:
                return int(struct.unpack_from("=Q", info, _BYTES_ACKED)[0])
        (queued,) = struct.unpack("i", fcntl.ioctl(own.fileno(), termios.TIOCOUTQ, b"\0" * 4))
    except OSError:
        return -waiting
    return -(waiting + int(queued))


def reset(transport: Transport) -> None:
    """Close with what was not taken thrown away: the kernel would keep it for the caller."""
    own = transport.get_extra_info("socket")
    if own is not None and own.fileno() >= 0:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
