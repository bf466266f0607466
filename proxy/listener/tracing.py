"""What becomes of a caller's trace."""

from msgspec import Struct

from proxy.terms import Headers, NewId, Span
from proxy.terms.http import has_any
from proxy.terms.trace import TRACEPARENT, TRACESTATE, span_of

_FIELDS = frozenset({TRACEPARENT, TRACESTATE})


class Tracing(Struct, frozen=True):
    """The settings, as the listener needs them."""

    is_passed_on: bool = True  # to the provider
    makes_spans: bool = False

    def span(self, headers: Headers, new_id: NewId) -> Span | None:
        """Give the span of a request, where spans are made."""
        return (
            span_of(headers, new_id, is_passed_on=self.is_passed_on) if self.makes_spans else None
        )

    def passed_on(self, headers: Headers) -> Headers:
        """Give the fields that go on."""
        if self.is_passed_on or not has_any(headers, _FIELDS):
            return headers
        return tuple([field for field in headers if field[0].lower() not in _FIELDS])


NO_SPANS = Tracing()
