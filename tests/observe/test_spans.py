"""Events as OpenTelemetry's own exporter sees them."""

from typing import Any

from msgspec.structs import replace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from proxy.observe.spans import Spans
from proxy.terms import CallEnded, Event, ProxyError, Span
from tests.support import make
from tests.support.clock import FakeClock

ROOT = Span("a" * 32, "b" * 16, None, is_sampled=True)
CHILD = Span("a" * 32, "c" * 16, "b" * 16, is_sampled=True)


def told(*events: Event) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    sink = Spans(SimpleSpanProcessor(exporter), FakeClock(), "1.2.3")
    for event in events:
        sink.on(event)
    return list(exporter.get_finished_spans())


def test_a_request_and_its_attempt_are_two_spans_of_one_trace(event: Any) -> None:
    server, client = told(
        replace(event.responded(duration_s=0.5), span=ROOT),
        replace(event.attempt_ended(), span=CHILD, method="POST", attempt=2),
    )
    assert (server.kind, client.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert server.context is not None
    assert client.context is not None
    assert client.parent is not None
    assert client.parent.span_id == server.context.span_id == int("b" * 16, 16)
    assert client.context.trace_id == server.context.trace_id == int("a" * 32, 16)
    assert server.parent is None
    assert server.end_time is not None
    assert server.start_time is not None
    assert server.end_time - server.start_time == 500_000_000
    assert server.resource.attributes["service.version"] == "1.2.3"
    assert client.attributes is not None
    assert client.attributes["http.request.resend_count"] == 1


def test_a_failure_says_its_type(event: Any) -> None:
    failed = event.responded(status=502, error_code="bad_gateway")
    lost = event.attempt_ended(status=None, reason=ProxyError.CONNECTION_TERMINATED)
    refused = event.attempt_ended(status=404, reason=None)
    spans = told(*(replace(each, span=CHILD) for each in (failed, lost, refused)))
    assert [span.status.status_code for span in spans] == [StatusCode.ERROR] * 3
    types = [dict(span.attributes or {})["error.type"] for span in spans]
    assert types == ["bad_gateway", "connection_terminated", "404"]


def test_a_method_that_nobody_knows_is_no_word_of_a_span(event: Any) -> None:
    (span,) = told(replace(event.responded(method="4111111111111111"), span=ROOT))
    assert "4111" not in str(span.to_json())


def test_what_is_not_traced_makes_no_span(event: Any) -> None:
    ended = CallEnded(make.call(), make.ok(), 0.1)
    unsampled = replace(event.responded(), span=replace(ROOT, is_sampled=False))
    assert told(event.responded(), event.attempt_ended(), ended, unsampled) == []
