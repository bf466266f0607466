"""Sends spans to a collector over OTLP: in a thread of its own, bounded, and never waited for."""

from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

MAX_QUEUE: Final = 2048  # spans; what comes on top of them is lost
_PATH: Final = "/v1/traces"  # OTLP/HTTP, of the protocol's specification
_TIMEOUT_S: Final = 2.0
_EVERY_MS: Final = 2000.0


def exporter_to(address: str) -> BatchSpanProcessor:
    """Give what takes spans and sends them to the collector at *address*."""
    exporter = OTLPSpanExporter(address.rstrip("/") + _PATH, timeout=_TIMEOUT_S)
    return BatchSpanProcessor(exporter, max_queue_size=MAX_QUEUE, schedule_delay_millis=_EVERY_MS)
