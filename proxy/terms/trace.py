"""Whose trace a request belongs to: the W3C field `traceparent` (Trace Context, section 3.2)."""

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .clock import NewId
from .http import Headers, every

TRACEPARENT: Final = b"traceparent"
TRACESTATE: Final = b"tracestate"
# version-traceid-parentid-flags, lower case only. Version 00 ends there; a later one may go on.
_PARENT: Final = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    rb"-(?P<parent>(?!0{16})[0-9a-f]{16})-[0-9a-f](?P<flags>[0-9a-f])(?P<more>-.*)?"
)
_SAMPLED: Final = 0x01
_SPAN_DIGITS: Final = 16


class Span(Struct, frozen=True):
    """One step of a trace: who it is, and whose child."""

    trace_id: str  # 32 hexadecimal digits
    span_id: str  # 16
    parent_id: str | None  # None: the trace begins with it
    is_sampled: bool
    is_passed_on: bool = True  # the provider is told of it


def sampled_trace(headers: Headers) -> str | None:
    """Give the trace id that a caller sent, if there is one, and its trace is kept."""
    found = _read(headers)
    return found["trace"].decode() if found is not None and _is_sampled(found) else None


def span_of(headers: Headers, new_id: NewId, *, is_passed_on: bool = True) -> Span:
    """Give the span of a request: a child of the caller's, or the root of a trace of ours.

    Whether a trace is kept is for whoever began it to say; one that begins here is.
    """
    found, span_id = _read(headers), new_id()[:_SPAN_DIGITS]
    if found is None:
        return Span(new_id(), span_id, None, is_sampled=True, is_passed_on=is_passed_on)
    trace_id, parent_id = found["trace"].decode(), found["parent"].decode()
    is_sampled = _is_sampled(found)
    return Span(trace_id, span_id, parent_id, is_sampled=is_sampled, is_passed_on=is_passed_on)


def child_of(parent: Span, new_id: NewId) -> Span:
    """Give a span below *parent*."""
    return replace(parent, span_id=new_id()[:_SPAN_DIGITS], parent_id=parent.span_id)


def traceparent(span: Span) -> bytes:
    """Give the value of the field that makes whoever reads it a child of *span*."""
    return f"00-{span.trace_id}-{span.span_id}-{span.is_sampled:02x}".encode()


def _read(headers: Headers) -> re.Match[bytes] | None:
    values = every(headers, TRACEPARENT)
    found = _PARENT.fullmatch(values[0]) if len(values) == 1 else None
    if found is None or (found["more"] is not None and found["version"] == b"00"):
        return None
    return found


def _is_sampled(found: re.Match[bytes]) -> bool:
    return bool(int(found["flags"], 16) & _SAMPLED)
