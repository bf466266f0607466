"""From a name to an open connection: DNS, happy eyeballs, TLS, each with its own time."""

import asyncio
import ipaddress
import socket
import ssl
from typing import Final, Protocol, TypeAlias, cast

import aiohappyeyeballs
from msgspec import Struct

from proxy.terms import Clock, ProxyError

from .connection import Connection, OnSpoilt
from .failures import reason_for
from .settings import TimeoutSettings, TlsSettings
from .tunnel import Tunnel, open_tunnel

# The resolver tells no TTL; as short as aiohttp's own cache.
DNS_TTL_S: Final = 10.0
# RFC 8305 section 5: the connection attempt delay.
HAPPY_EYEBALLS_DELAY_S: Final = 0.25

_AddrInfo: TypeAlias = aiohappyeyeballs.AddrInfoType


class Origin(Struct, frozen=True):
    """Where a provider is: what a connection is opened to and verified against."""

    host: str
    port: int
    is_tls: bool

    @property
    def authority(self) -> bytes:
        """The value of Host: without the scheme's own port (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == (443 if self.is_tls else 80)
        return (host if is_default else f"{host}:{self.port}").encode("ascii")


class Connect(Protocol):
    """Opens one connection."""

    async def __call__(self, until: float, on_spoilt: OnSpoilt, /) -> Connection | ProxyError:
        """Give an open connection, or why there is none, by *until* (monotonic seconds).

        *on_spoilt* is told of a connection that is of no more use while nobody uses it.
        """


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Build what certificates are verified with.

    Raises:
        OSError: a file cannot be read, or holds no certificate or key.
    """
    context = ssl.create_default_context(cafile=settings.ca)
    context.minimum_version = (
        ssl.TLSVersion.TLSv1_3 if settings.min_version == "1.3" else ssl.TLSVersion.TLSv1_2
    )
    context.set_alpn_protocols(["http/1.1"])
    context.hostname_checks_common_name = False  # RFC 9110 section 4.3.4: MUST NOT
    if settings.cert is not None:
        context.load_cert_chain(settings.cert, settings.key)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Connector:
    """Opens connections to one origin, through *tunnel* where there is one.

    With a tunnel only the proxy's name is resolved here: the proxy resolves the provider's.
    """

    def __init__(
        self,
        origin: Origin,
        timeouts: TimeoutSettings,
        tls: ssl.SSLContext | None,
        clock: Clock,
        tunnel: Tunnel | None = None,
    ) -> None:
        self._origin = origin
        self._tunnel = tunnel
        self._peer = (origin.host, origin.port) if tunnel is None else (tunnel.host, tunnel.port)
        self._timeouts = timeouts
        self._tls = tls
        self._clock = clock
        self._addresses: list[_AddrInfo] = []
        self._resolved_at = -DNS_TTL_S
        self._lookup: asyncio.Future[list[_AddrInfo] | ProxyError] | None = None

    async def __call__(self, until: float, on_spoilt: OnSpoilt, /) -> Connection | ProxyError:
        """Give an open connection, or why there is none, by *until* (monotonic seconds)."""
        addresses = await self._resolve(until)
        if isinstance(addresses, ProxyError):
            return addresses
        opened = await self._open_socket(addresses, until)
        connection = (
            opened
            if isinstance(opened, ProxyError)
            else await self._open_connection(opened, until, on_spoilt)
        )
        if isinstance(connection, ProxyError):
            # Never pin an address where nobody answers well: ask the resolver again next time.
            self._resolved_at = -DNS_TTL_S
        return connection

    async def _resolve(self, until: float) -> list[_AddrInfo] | ProxyError:
        """Give the addresses; calls that come while the resolver is asked wait for one answer."""
        now = self._clock.monotonic()
        if now - self._resolved_at < DNS_TTL_S:
            return self._addresses
        if self._lookup is None:
            self._lookup = asyncio.ensure_future(self._look_up())
        try:
            async with asyncio.timeout(min(self._timeouts.dns, until - now)):
                return await asyncio.shield(self._lookup)
        except TimeoutError:
            return ProxyError.DNS_TIMEOUT

    async def _look_up(self) -> list[_AddrInfo] | ProxyError:
        host, port = self._peer
        flags = socket.AI_NUMERICHOST if _is_address(host) else 0
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        except (OSError, UnicodeError):
            return ProxyError.DNS_ERROR
        finally:
            self._lookup = None
        # The stubs allow for an address family that `SOCK_STREAM` over IP never gives.
        self._addresses = cast("list[_AddrInfo]", found)
        self._resolved_at = self._clock.monotonic()
        return self._addresses

    async def _open_socket(
        self, addresses: list[_AddrInfo], until: float
    ) -> socket.socket | ProxyError:
        left = until - self._clock.monotonic()
        opened: socket.socket | None = None
        reason: ProxyError | None = ProxyError.CONNECTION_TIMEOUT
        try:
            async with asyncio.timeout(min(self._timeouts.connect, left)):
                opened = await aiohappyeyeballs.start_connection(
                    addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY_S
                )
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                reason = await self._pass_through(opened)
        except (OSError, RuntimeError) as error:  # TimeoutError is the first, uvloop's the second
            reason = reason_for(error)
        finally:
            if reason is not None and opened is not None:
                opened.close()
        return reason or cast("socket.socket", opened)

    async def _pass_through(self, opened: socket.socket) -> ProxyError | None:
        if self._tunnel is None:
            return None
        return await open_tunnel(opened, self._tunnel, self._origin.host, self._origin.port)

    async def _open_connection(
        self, opened: socket.socket, until: float, on_spoilt: OnSpoilt
    ) -> Connection | ProxyError:
        loop = asyncio.get_running_loop()
        left = until - self._clock.monotonic()
        try:
            async with asyncio.timeout(min(self._timeouts.tls, left)):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop, on_spoilt=on_spoilt),
                    sock=opened,
                    ssl=self._tls,
                    server_hostname=self._origin.host if self._tls else None,
                )
        except (OSError, ssl.CertificateError) as error:
            opened.close()
            # uvloop gives a reset where the peer ended the handshake with an alert.
            is_cut = self._tls is not None and isinstance(error, ConnectionError)
            return ProxyError.TLS_PROTOCOL_ERROR if is_cut else reason_for(error)
        except BaseException:
            opened.close()
            raise
        return connection


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
