"""What the gateways of the world say in front of a provider, in pages and fields of their own.

Each row is an edge's own way of naming what went wrong, or the request it went wrong with. It is
told to the caller (`provider.code`, `trace_id`) and licenses nothing: a page that says "not
delivered" vouches for no payment. Only `generic` looks here: beside a profile's own codes the
number of an edge's page could be taken for one of them.
"""

import re
from typing import Final

from proxy.terms.http import Headers, first

from .clean import as_word
from .document import Document, Shape
from .traces import as_text

_MAX_PAGE: Final = 16_384
_CODES: Final = (
    # Cloudflare: 15 bytes of text, or a page with its number in a span or its title.
    re.compile(r"\A\s*error code: (\d{3,5})\s*\Z"),
    re.compile(r"class=[\"']cf-(?:error-code|code-label)[\"']>(?:Error code )?(\d{3,5})<"),
    re.compile(
        r"<title>[^<>]{0,200}cloudflare[^<>]{0,80}</title>[^\0]{0,4000}?\bError (1\d{3})\b",
        re.IGNORECASE,
    ),
    # Envoy: why the connection to the provider ended.
    re.compile(r"\breset reason: ([a-z][a-z_ ]{2,60})"),
    re.compile(r"\A\s*(no healthy upstream|upstream request timeout|no cluster match)\s*\Z"),
    # Fastly, and S3 or CloudFront as a page.
    re.compile(r"\bFastly error: ([a-z][a-z ]{2,40})"),
    re.compile(r"<li>Code: (\w{3,60})</li>"),
)  # fmt: skip
_REFERENCES: Final = (
    # Akamai, Cloudflare, CloudFront and S3, Imperva, Varnish and Fastly, Azure Front Door.
    re.compile(r"\bReference #([0-9a-f]{1,4}(?:\.[0-9a-f]{4,20}){2,4})"),
    re.compile(r"\bRay ID: (?:<[^<>]{0,80}>)?([0-9a-f]{16})\b"),
    re.compile(r"\bRequest ?I[dD]: ?(?:<[^<>]{0,80}>)?([\w=+/-]{8,80})"),
    re.compile(r"\b[Ii]ncident ID: ([\d-]{8,80})"),
    re.compile(r"\bXID: (\d{3,20})\b"),
    re.compile(r"\bRef A: ([0-9A-F]{32})\b"),
)
_PAGES: Final = frozenset({Shape.TEXT, Shape.HTML})
_NUMERIC: Final = re.compile(r"&#(\d{2,3});")


def find_edge_code(document: Document, headers: Headers) -> str | None:
    """Give the code that an edge in front of the provider writes in its own way."""
    kind = first(headers, b"x-amzn-errortype")
    if kind:
        return as_text(kind.partition(b":")[0])
    squid = first(headers, b"x-squid-error")
    if squid:
        return as_text(squid.partition(b" ")[0])
    found = _search(_CODES, document)
    return found.strip().replace(" ", "_") if found is not None else None


def find_edge_trace(document: Document) -> str | None:
    """Give the id under which an edge finds the request again, as its page tells it."""
    found = _search(_REFERENCES, document)
    return as_word(found) if found is not None else None


def _search(patterns: tuple[re.Pattern[str], ...], document: Document) -> str | None:
    if document.shape not in _PAGES:
        return None
    # Akamai spells its page out in numbers.
    page = _NUMERIC.sub(lambda digits: chr(int(digits[1])), document.text[:_MAX_PAGE])
    for pattern in patterns:
        found = pattern.search(page)
        if found is not None:
            return found[1]
    return None
