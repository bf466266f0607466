"""Ids of a request in the header fields that providers and edges commonly use."""

import re
from typing import Final

from proxy.terms.http import Headers

from .clean import as_word

# `Request-Id`, `X-Correlation-Id`, `Paypal-Debug-Id`, `x-amzn-RequestId`, …
_NAMES: Final = re.compile(rb"(?:[a-z0-9-]{1,40}-)?(?:request|correlation|trace|debug)-?id")
_EDGES: Final = (b"cf-ray", b"x-amz-cf-id", b"x-azure-ref", b"x-cloud-trace-context")
# W3C trace context: version, trace id, parent id, flags. The second is what both sides search by.
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def find_in_headers(headers: Headers) -> str | None:
    """Give the id of the request, the provider's own before an edge's before the caller's."""
    edge: bytes | None = None
    parent: bytes | None = None
    for name, value in headers:
        lower = name.lower()
        if lower.endswith(b"id") and _NAMES.fullmatch(lower) and value:
            return as_text(value)
        if lower in _EDGES:
            edge = edge or value
        elif lower == b"traceparent":
            found = _TRACEPARENT.fullmatch(value.strip())
            parent = found[1] if found else None
    return as_text(edge or parent or b"")


def as_text(value: bytes) -> str | None:
    """Give a field value as an id."""
    return as_word(value.decode("latin-1"))
