"""Where we listen, where a provider is, and where state is kept: parsed and checked once."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator

from proxy.route import path_fault

from .secret import SecretText

_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+):([0-9]{1,5})")
_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*")
_MAX_PORT: Final = 65_535
_MAX_UNIX: Final = 107  # bytes of a Unix socket's path: sockaddr_un, less the closing NUL
_PORTS: Final = {"http": 80, "https": 443}
_STORES: Final = ("sqlite", "postgresql", "postgres", "redis", "rediss", "valkey", "valkeys")


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on: *host* and *port*, or the *path* of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it: a Unix socket, or loopback."""
        return bool(self.path) or is_loopback(self.host)

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """Where a provider's API begins. *path* never ends with a slash."""

    scheme: Literal["http", "https", "simulator"]
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_simulator(self) -> bool:
        """Whether the simulated provider inside this process is meant."""
        return self.scheme == "simulator"

    @property
    def authority(self) -> str:
        """The value of `Host`: the port stands in it where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS.get(self.scheme) else f"{host}:{self.port}"

    def __str__(self) -> str:
        if self.is_simulator:
            return "simulator"
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where state is kept. *url* may hold a password, so it is a secret."""

    scheme: str
    url: SecretText

    @property
    def is_memory(self) -> bool:
        """Whether state lives and dies with this process."""
        return self.scheme == "memory"

    def __str__(self) -> str:
        return "memory" if self.is_memory else f"{self.scheme}:{self.url}"


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine and cannot be another."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def parse_address(value: object) -> Address:
    """Turn `127.0.0.1:8080`, `[::1]:8080` or `unix:/path` into an address.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, Address):
        return value
    text = value if isinstance(value, str) else ""
    if text.startswith("unix:"):
        return _unix(text.removeprefix("unix:"))
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[2]) > _MAX_PORT or not is_host(found[1]):
        msg = "an address is HOST:PORT, [IPV6]:PORT or unix:/path"
        raise ValueError(msg)
    return Address(host=found[1].strip("[]"), port=int(found[2]))


def _unix(path: str) -> Address:
    if not path.startswith("/") or "\0" in path or path.endswith("/"):
        msg = "a Unix socket is unix: and an absolute path"
        raise ValueError(msg)
    if len(path.encode(errors="replace")) > _MAX_UNIX:
        msg = f"the path of a Unix socket has at most {_MAX_UNIX} bytes"
        raise ValueError(msg)
    return Address(path=path)


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def parse_base_url(value: object) -> BaseUrl:
    """Turn a provider's URL into its parts. No message repeats it: it may hold a password.

    Raises:
        ValueError: it is no http or https URL, or has parts that a base cannot have.
    """
    if value == "simulator":
        return BaseUrl("simulator")
    msg = "must be an http:// or https:// URL, or `simulator`"
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError(msg)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(msg) from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(msg)
    scheme: Literal["http", "https"] = "http" if parts.scheme == "http" else "https"
    _check_parts(value, host, parts.netloc, parts.path)
    return BaseUrl(scheme, host, port or _PORTS[scheme], parts.path.rstrip("/"))


def _check_parts(url: str, host: str, netloc: str, path: str) -> None:
    faults = (
        ("@" in netloc, "no user or password may stand in it: set `headers`"),
        ("?" in url or "#" in url, "no query and no fragment may stand in it"),
        (not is_host(f"[{host}]" if ":" in host else host), "its host name is not valid"),
        (not _PATH.fullmatch(path), "a character in its path must be percent-encoded"),
        ("//" in path, "no empty segment may stand in its path"),
        (
            path != "" and path_fault(path.encode()) is not None,
            "no dot segment and no backslash may stand in its path, encoded or not",
        ),
        (netloc.endswith((":", ":0")), "its port is not valid"),
    )
    for is_fault, message in faults:
        if is_fault:
            raise ValueError(message)


def parse_store(value: object) -> StoreAddress:
    """Turn `memory`, `sqlite:/path`, `redis://…` or `postgresql://…` into a store's address.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, StoreAddress):
        return value
    if isinstance(value, SecretText):
        text = value.reveal(0.0)
    elif isinstance(value, str) and value:
        text, value = value, SecretText.literal(value)
    else:
        text = ""
    scheme, colon, rest = text.partition(":")
    if isinstance(value, SecretText) and (
        (scheme in _STORES and rest) or (scheme == "memory" and not colon)
    ):
        return StoreAddress(scheme, value)
    msg = "a store is memory, sqlite:/path, redis://host:port/0 or postgresql://…"
    raise ValueError(msg)


def is_host(host: str) -> bool:
    """Whether *host* is a name or an address; IPv6 in brackets."""
    if host.startswith("["):
        try:
            IPv6Address(host.strip("[]"))
        except ValueError:
            return False
        return True
    if re.fullmatch(r"[0-9.]+", host):
        try:
            ip_address(host)
        except ValueError:
            return False
        return True
    return len(host) <= 253 and _HOST.fullmatch(host) is not None  # noqa: PLR2004 (RFC 1035)


_AS_TEXT: Final = PlainSerializer(str, return_type=str)

AddressSetting = Annotated[Address, PlainValidator(parse_address), _AS_TEXT]
AddressesSetting = Annotated[
    tuple[AddressSetting, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=64)
]
BaseUrlSetting = Annotated[BaseUrl, PlainValidator(parse_base_url), _AS_TEXT]
StoreSetting = Annotated[StoreAddress, PlainValidator(parse_store), _AS_TEXT]
