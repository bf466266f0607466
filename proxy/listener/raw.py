"""What aiohttp gives of a request in another shape than it had on the wire."""

from ipaddress import ip_address

from aiohttp import web

from proxy.terms import Headers
from proxy.terms.http import first


def raw_target(request: web.BaseRequest) -> bytes:
    """Give the bytes of the target: aiohttp decodes them as UTF-8 with surrogateescape."""
    return request.raw_path.encode("utf-8", "surrogateescape")


def origins_of(request: web.BaseRequest) -> tuple[bytes, ...]:
    """Give what absolute-form may call the address that the caller came to."""
    transport = request.transport
    name = None if transport is None else transport.get_extra_info("sockname")
    if transport is None or not isinstance(name, tuple):
        return ()  # a Unix socket has no name in a URL
    host, port = name[:2]
    is_tls = transport.get_extra_info("ssl_object") is not None
    scheme, own_port = ("https", 443) if is_tls else ("http", 80)
    hosts = [f"[{host}]" if ":" in host else host]
    hosts += ["localhost"] if ip_address(host).is_loopback else []
    ports = [f":{port}", ""] if port == own_port else [f":{port}"]
    return tuple(f"{scheme}://{host}{end}".encode("ascii") for host in hosts for end in ports)


def takes_over(method: str, headers: Headers) -> bool:
    """Whether a request asks for the connection: aiohttp drops what came behind one that does."""
    return method == "CONNECT" or first(headers, b"upgrade") is not None
