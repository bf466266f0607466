"""The HTTP proxy that a provider is reached through: `http://user:password@host:3128`."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Final, cast
from urllib.parse import unquote_to_bytes, urlsplit

from pydantic import PlainSerializer, PlainValidator

from .address import is_host
from .secret import REDACTED, SecretText

_NO_PROXY: Final = "must be http://HOST:PORT, with user:password@ before it where it needs one"


@dataclass(frozen=True, slots=True)
class EgressProxy:
    """Where the proxy is. *url* may hold a password, so it is a secret."""

    host: str
    port: int
    url: SecretText

    def authorization(self, now: float) -> bytes | None:
        """Give the value of Proxy-Authorization as it is *now* (monotonic seconds), RFC 7617."""
        userinfo, at, _ = urlsplit(self.url.reveal(now)).netloc.rpartition("@")
        if not at:
            return None
        user, _, password = userinfo.partition(":")
        return b"Basic " + b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password))

    def __str__(self) -> str:
        return REDACTED


def parse_egress_proxy(value: object) -> EgressProxy:
    """Turn a URL into where the proxy is. No message repeats it: it may hold a password.

    Raises:
        ValueError: it is no http URL, or has parts that a proxy's cannot have.
    """
    if isinstance(value, EgressProxy):
        return value
    url = SecretText.literal(value) if isinstance(value, str) and value else value
    text = url.reveal(0.0) if isinstance(url, SecretText) else ""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(_NO_PROXY) from None
    is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
    bracketed = f"[{host}]" if ":" in host else host
    if parts.scheme != "http" or not port or not is_bare or not is_host(bracketed):
        raise ValueError(_NO_PROXY)
    return EgressProxy(host, port, cast("SecretText", url))


EgressProxySetting = Annotated[
    EgressProxy, PlainValidator(parse_egress_proxy), PlainSerializer(str, return_type=str)
]
