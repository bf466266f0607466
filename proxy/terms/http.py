"""Header fields as they are on the wire: ordered pairs of bytes, case and repeats kept."""

from collections.abc import Iterable
from typing import Final, TypeAlias

Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = tuple[Header, ...]

# RFC 9110 section 9.2.1 and RFC 10008 (QUERY): safe, so a repeat has no effect.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})
# RFC 9110 section 9.2.2. POST, PATCH and every unknown method are absent on purpose.
IDEMPOTENT_METHODS: Final = SAFE_METHODS | {"PUT", "DELETE"}

MIN_STATUS: Final = 100
MIN_REDIRECTION: Final = 300
MIN_ERROR_STATUS: Final = 400
MAX_STATUS: Final = 599
NO_CONTENT: Final = 204
RESET_CONTENT: Final = 205
NOT_MODIFIED: Final = 304


def first(headers: Iterable[Header], name: bytes) -> bytes | None:
    """Give the value of the first field called *name* (lower case), or None."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def every(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """Give the values of all fields called *name* (lower case), in order."""
    return [value for key, value in headers if key.lower() == name]


def list_members(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """Give the lower-case members of a comma-separated field (RFC 9110 section 5.6.1)."""
    values = every(headers, name)
    if not values:
        return values
    return [
        member
        for value in values
        for part in value.split(b",")
        if (member := part.strip(b" \t").lower())
    ]
