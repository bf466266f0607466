"""Traces over the wire: what a provider is told, and what a collector is sent."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.raw import RawProvider, Seen, answer
from tests.support.sidecar import Sidecar, provider, sidecar

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FIELDS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=x"}
CANARY = "4111111111111111"


class Collector:
    """Takes OTLP over HTTP, or takes nothing at all."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.spans: dict[str, object] = {}
        self.bytes = b""
        self.port = 0
        self._hangs = hangs

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if self._hangs:
            await reader.read()
            writer.close()
            return
        fields = dict(
            line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
        )
        body = await reader.readexactly(int(fields[b"content-length"]))
        if fields.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        self.bytes += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans |= {span.span_id.hex(): span for span in scope.spans}
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@asynccontextmanager
async def collector(*, hangs: bool = False) -> AsyncIterator[Collector]:
    one = Collector(hangs=hangs)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()


def field(seen: Seen, name: bytes) -> list[str]:
    return [value.decode() for value in seen.values(name)]


async def ask(proxy: Sidecar) -> None:
    fields = {**FIELDS, "X-Card": CANARY}
    assert (await proxy.ask("GET", f"/acme/x/{CANARY}?card={CANARY}", fields)).status == 200


async def test_without_spans_a_trace_goes_on_as_it_came() -> None:
    async with RawProvider([answer()]) as upstream, sidecar({"acme": provider(upstream.port)}) as p:
        await ask(p)
        (seen,) = upstream.seen
    assert field(seen, b"traceparent") == [FIELDS["traceparent"]]
    assert field(seen, b"tracestate") == ["vendor=x"]


async def test_a_trace_that_is_not_passed_on_ends_here() -> None:
    upstream = RawProvider([answer()])
    settings = {"tracing": {"propagate": False}}
    async with upstream, sidecar({"acme": provider(upstream.port)}, **settings) as proxy:
        await ask(proxy)
        (seen,) = upstream.seen
    assert field(seen, b"traceparent") == field(seen, b"tracestate") == []


async def test_each_attempt_is_a_child_of_the_callers_span() -> None:
    upstream = RawProvider([answer(503), answer()])
    async with collector() as spans:
        tracing = {"otlp": f"http://127.0.0.1:{spans.port}"}
        async with upstream, sidecar({"acme": provider(upstream.port)}, tracing=tracing) as proxy:
            await ask(proxy)
            told = [field(seen, b"traceparent") for seen in upstream.seen]
            assert field(upstream.seen[0], b"tracestate") == ["vendor=x"]
    ids = [each[0].split("-")[2] for each in told]
    assert [each[0] for each in told] == [f"00-{TRACE}-{span_id}-01" for span_id in ids]
    assert len({*ids, PARENT}) == 3
    first, second = (spans.spans[span_id] for span_id in ids)
    (server,) = (span for span in spans.spans.values() if span.parent_span_id.hex() == PARENT)
    assert first.parent_span_id == second.parent_span_id == server.span_id
    assert CANARY.encode() not in spans.bytes


async def test_a_collector_that_hangs_costs_nobody_anything() -> None:
    upstream = RawProvider([answer()])
    async with collector(hangs=True) as spans:
        tracing = {"otlp": f"http://127.0.0.1:{spans.port}"}
        async with upstream, sidecar({"acme": provider(upstream.port)}, tracing=tracing) as proxy:
            await ask(proxy)
            began = time.monotonic()
        assert time.monotonic() - began < 8.0
