"""Who may ask: the operator's token, and no page of another origin (pure)."""

import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from proxy.terms import ErrorCode

from .reply import Reply, error

_SAFE: Final = frozenset({"GET", "HEAD"})
_CHALLENGE: Final = ("WWW-Authenticate", "Bearer")
_BROWSERS: Final = ("WWW-Authenticate", 'Basic realm="paysluice", charset="UTF-8"')
# What a browser says of who asks (Fetch Metadata): the page itself, or the person.
_OWN_SITES: Final = frozenset({"same-origin", "none"})


class Guard:
    """Asks for a token where the address can be reached from elsewhere.

    Without a token to compare with, nobody is let in: a forgotten setting opens nothing. Where none
    is asked for, a browser on this machine can reach the address too, and so can whatever page it
    shows: what changes something is done for its own page only, and under no made-up name.
    """

    def __init__(
        self,
        token: Callable[[], str] | None,
        open_paths: frozenset[str],
        *,
        needs_token: bool,
    ) -> None:
        self._token = token
        self._open_paths = open_paths
        self._needs_token = needs_token
        self.is_browsed = not needs_token  # a browser can come here; to a socket it cannot

    def refuse(self, method: str, path: str, headers: Mapping[str, str]) -> Reply | None:
        """Give the refusal of a request for *path*; None lets it in."""
        is_open = path.removeprefix("/") in self._open_paths
        if self._needs_token and not is_open and not self._is_known(headers):
            return error(
                ErrorCode.UNAUTHORIZED_REQUEST,
                "This address needs the admin token: Authorization: Bearer TOKEN.",
                _BROWSERS if path == "/" else _CHALLENGE,
            )
        if method not in _SAFE and _is_foreign(headers):
            return error(ErrorCode.FORBIDDEN, "A page of another origin may change nothing here.")
        if self.is_browsed and not is_open and _is_named(headers.get("Host", "")):
            # A page may have its own name lead to this machine (DNS rebinding).
            return error(ErrorCode.FORBIDDEN, "Ask by this address's number, or as localhost.")
        return None

    def _is_known(self, headers: Mapping[str, str]) -> bool:
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._is_right(given.strip())
        # A browser asks its user for a name and a password: the password is the token.
        return scheme.lower() == "basic" and self._is_right(_password(given.strip()))

    def _is_right(self, given: str) -> bool:
        wanted = self._token() if self._token is not None else ""
        # Bytes, because compare_digest refuses text beyond ASCII; in constant time.
        is_equal = hmac.compare_digest(given.encode(errors="replace"), wanted.encode())
        return is_equal and bool(wanted)


def _password(given: str) -> str:
    try:
        return b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another origin asks."""
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None and site not in _OWN_SITES:
        return True
    return origin is not None and urlsplit(origin).netloc != headers.get("Host", "")


def _is_named(host: str) -> bool:
    """Whether a request was sent to a name that is none of this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return True
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return False
    try:
        ip_address(name)
    except ValueError:
        return True
    return False
