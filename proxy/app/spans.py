"""Where the spans of requests go, if they are made at all."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from proxy.observe import Sink
from proxy.terms import Clock

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

LAST_SPANS_S: Final = 3.0  # what a collector is given at the end to take what is left


class SpanSinks:
    """The sink of spans, where a collector is configured; else none, and nothing is imported."""

    def __init__(self, collector: str | None, clock: Clock, version: str) -> None:
        self._processor: SpanProcessor | None = None
        self.sinks: Iterable[Sink] = ()
        if collector is not None:
            from proxy.observe.collector import exporter_to  # noqa: PLC0415 - an extra, when asked
            from proxy.observe.spans import Spans  # noqa: PLC0415

            self._processor = exporter_to(collector)
            self.sinks = (Spans(self._processor, clock, version),)

    async def close(self) -> None:
        """Send what is left; a collector that does not take it is not waited for."""
        if self._processor is not None:
            ending = asyncio.ensure_future(asyncio.to_thread(self._processor.shutdown))
            await asyncio.wait((ending,), timeout=LAST_SPANS_S)
