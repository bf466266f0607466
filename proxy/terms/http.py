"""Header fields as they are on the wire: ordered pairs of bytes, case and repeats kept."""

from collections.abc import Collection, Iterable, Sequence
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


class Fields(tuple[Header, ...]):  # noqa: SLOT001 - a tuple can have no slots
    """The fields of one head, with an index of their names: a head is asked for many of them.

    The functions below take any `Headers`; of these they read the index.
    """

    by_name: dict[bytes, list[bytes]]  # in lower case; the values in their order


def indexed(headers: Iterable[Header]) -> Fields:
    """Give *headers* with their index."""
    fields = Fields(headers)
    by_name: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        lower = name.lower()
        if lower in by_name:
            by_name[lower].append(value)
        else:
            by_name[lower] = [value]
    fields.by_name = by_name
    return fields


def first(headers: Iterable[Header], name: bytes) -> bytes | None:
    """Give the value of the first field called *name* (lower case), or None."""
    if type(headers) is Fields:
        values = headers.by_name.get(name)
        return None if values is None else values[0]
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def every(headers: Iterable[Header], name: bytes) -> Sequence[bytes]:
    """Give the values of all fields called *name* (lower case), in order."""
    if type(headers) is Fields:
        return headers.by_name.get(name, ())
    return [value for key, value in headers if key.lower() == name]


def has_any(headers: Iterable[Header], names: Collection[bytes]) -> bool:
    """Tell whether there is a field with one of *names* (lower case)."""
    if type(headers) is Fields:
        return not headers.by_name.keys().isdisjoint(names)
    return any(key.lower() in names for key, _ in headers)


def list_members(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """Give the lower-case members of a comma-separated field (RFC 9110 section 5.6.1)."""
    return [
        member
        for value in every(headers, name)
        for part in value.split(b",")
        if (member := part.strip(b" \t").lower())
    ]
