"""Who may ask: the operator's token (pure)."""

import hmac
from collections.abc import Callable

from proxy.terms import ErrorCode

from .reply import Reply, error


class Guard:
    """Asks for a token where the address can be reached from elsewhere.

    Without a token to compare with, nobody is let in: a forgotten setting opens nothing.
    """

    def __init__(
        self, token: Callable[[], str] | None, open_paths: frozenset[str], *, needs_token: bool
    ) -> None:
        self._token = token
        self._open_paths = open_paths
        self._needs_token = needs_token

    def refuse(self, path: str, authorization: str) -> Reply | None:
        """Give the refusal of a request for *path*; None lets it in."""
        if not self._needs_token or path.removeprefix("/") in self._open_paths:
            return None
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "bearer" and self._is_right(given.strip()):
            return None
        return error(
            ErrorCode.UNAUTHORIZED_REQUEST,
            "This address needs the admin token: Authorization: Bearer TOKEN.",
            ("WWW-Authenticate", "Bearer"),
        )

    def _is_right(self, given: str) -> bool:
        wanted = self._token() if self._token is not None else ""
        # Bytes, because compare_digest refuses text beyond ASCII; in constant time.
        is_equal = hmac.compare_digest(given.encode(errors="replace"), wanted.encode())
        return is_equal and bool(wanted)
