"""Whose trace a request belongs to: the W3C field `traceparent` (Trace Context, section 3.2)."""

import re
from typing import Final

from .http import Headers, every

# version-traceid-parentid-flags, lower case only. Version 00 ends there; a later one may go on.
_PARENT: Final = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    rb"-[0-9a-f](?P<flags>[0-9a-f])(?P<more>-.*)?"
)
_SAMPLED: Final = 0x01


def sampled_trace(headers: Headers) -> str | None:
    """Give the trace id that a caller sent, if there is one, and its trace is kept."""
    values = every(headers, b"traceparent")
    if len(values) != 1:
        return None
    found = _PARENT.fullmatch(values[0])
    if found is None or (found["more"] is not None and found["version"] == b"00"):
        return None
    is_sampled = int(found["flags"], 16) & _SAMPLED
    return found["trace"].decode() if is_sampled else None
