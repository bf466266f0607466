"""The HTTP proxy that a provider is reached through: `http://user:password@host:3128`."""

from base64 import b64encode
from contextlib import suppress
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes, urlsplit

from pydantic import PlainSerializer, PlainValidator

from .address import is_host
from .secret import REDACTED, SecretText

_NO_PROXY: Final = "must be http://HOST:PORT, with user:password@ before it where it needs one"


class EgressProxy:
    """Where the proxy is, and with what it is asked. Its URL may hold a password: a secret.

    A secret may rotate. What it becomes is used where it is still the URL of this very proxy: else
    the last good one stays, so that no password goes where it was not meant to.
    """

    __slots__ = ("_authorization", "_text", "_url", "host", "port")

    def __init__(self, url: SecretText) -> None:
        self._url = url
        self._text = url.reveal(0.0)
        self.host, self.port, self._authorization = _parse(self._text)

    @property
    def is_literal(self) -> bool:
        """Whether it is written out in the settings."""
        return self._url.is_literal

    def authorization(self, now: float) -> bytes | None:
        """Give the value of Proxy-Authorization as it is *now* (monotonic seconds), RFC 7617."""
        text = self._url.reveal(now)
        if text != self._text:
            self._text = text
            with suppress(ValueError):
                host, port, authorization = _parse(text)
                if (host, port) == (self.host, self.port):
                    self._authorization = authorization
        return self._authorization

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EgressProxy) and self._url == other._url

    def __hash__(self) -> int:
        return hash((self.host, self.port))

    def __str__(self) -> str:
        return REDACTED

    __repr__ = __str__


def parse_egress_proxy(value: object) -> EgressProxy:
    """Turn a URL into where the proxy is. No message repeats it: it may hold a password.

    Raises:
        ValueError: it is no http URL, or has parts that a proxy's cannot have.
    """
    if isinstance(value, EgressProxy):
        return value
    if isinstance(value, SecretText):
        return EgressProxy(value)
    if isinstance(value, str) and value:
        return EgressProxy(SecretText.literal(value))
    raise ValueError(_NO_PROXY)


def _parse(text: str) -> tuple[str, int, bytes | None]:
    """Give host, port and credentials of a proxy's URL.

    Raises:
        ValueError: as `parse_egress_proxy`.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(_NO_PROXY) from None
    is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
    bracketed = f"[{host}]" if ":" in host else host
    if parts.scheme != "http" or not port or not is_bare or not is_host(bracketed):
        raise ValueError(_NO_PROXY)
    userinfo, at, _ = parts.netloc.rpartition("@")
    if not at:
        return host, port, None
    user, _, password = userinfo.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return host, port, b"Basic " + b64encode(pair)


EgressProxySetting = Annotated[
    EgressProxy, PlainValidator(parse_egress_proxy), PlainSerializer(str, return_type=str)
]
