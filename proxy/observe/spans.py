"""Turns events into OpenTelemetry's spans: one for a request, one below it for each attempt.

The ids were chosen before: an attempt's stands in the `traceparent` that its provider was sent. A
span holds configured names and words of closed lists, as a log line does: never a path, a query, a
header, a key or a body. This is the only module that knows OpenTelemetry (`paysluice[otel]`).
"""

from collections.abc import Collection, Mapping
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from proxy.terms import AttemptEnded, Clock, Event, Responded, Span

from .families import METHODS, OTHER

_NS: Final = 1_000_000_000
_SERVER_ERROR: Final = 500
_CLIENT_ERROR: Final = 400


class Spans:
    """Gives each span to *processor* when it ends."""

    takes: Collection[type[Event]] = frozenset({AttemptEnded, Responded})

    def __init__(self, processor: SpanProcessor, clock: Clock, version: str) -> None:
        self._processor = processor
        self._clock = clock
        self._resource = Resource({"service.name": "paysluice", "service.version": version})

    def on(self, event: Event) -> None:
        """Make a span of *event*, where its request is traced."""
        match event:
            case Responded(span=Span() as span):
                self._responded(event, span)
            case AttemptEnded(span=Span() as span):
                self._attempt_ended(event, span)
            case _:
                pass

    def _responded(self, event: Responded, span: Span) -> None:
        attributes: dict[str, str | int] = {
            "http.request.method": _method(event.method),
            "http.response.status_code": event.status,
            "paysluice.provider": event.provider,
            "paysluice.route": event.route,
            "paysluice.outcome": event.outcome,
            "paysluice.error_code": event.error_code,
            "paysluice.attempts": event.attempts,
            "paysluice.request_id": event.request_id,
        }
        is_failed = event.status >= _SERVER_ERROR
        if is_failed:
            attributes["error.type"] = event.error_code
        name = f"{_method(event.method)} {event.provider} {event.route}"
        self._end(name, span, SpanKind.SERVER, event.duration_s, attributes, is_failed=is_failed)

    def _attempt_ended(self, event: AttemptEnded, span: Span) -> None:
        attributes: dict[str, str | int] = {
            "http.request.method": event.method,
            "paysluice.provider": event.provider,
            "paysluice.route": event.route,
            "paysluice.delivery": event.delivery.name.lower(),
            "paysluice.request_id": event.request_id,
        }
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
        is_failed = event.reason is not None or (event.status or 0) >= _CLIENT_ERROR
        if is_failed:
            attributes["error.type"] = event.reason or str(event.status)
        name = f"{event.method} {event.route}"
        self._end(name, span, SpanKind.CLIENT, event.duration_s, attributes, is_failed=is_failed)

    def _end(
        self,
        name: str,
        span: Span,
        kind: SpanKind,
        duration_s: float,
        attributes: Mapping[str, str | int],
        *,
        is_failed: bool,
    ) -> None:
        end = int(self._clock.wall() * _NS)
        parent = None if span.parent_id is None else _context(span, span.parent_id)
        self._processor.on_end(
            ReadableSpan(
                name,
                _context(span, span.span_id),
                parent,
                self._resource,
                attributes,
                kind=kind,
                status=Status(StatusCode.ERROR if is_failed else StatusCode.UNSET),
                start_time=end - int(duration_s * _NS),
                end_time=end,
            )
        )


def _method(method: str) -> str:
    return method if method in METHODS else OTHER


def _context(span: Span, span_id: str) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if span.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=flags)
