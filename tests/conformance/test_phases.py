"""Each phase of a call has its own time, and the phase that took too long is named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conformance.addresses import HOST, Resolver, black_hole, dead_port
from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import Connected, RawProvider, Step, answer, hang, send
from tests.support.sidecar import FAST, Reply, provider, sidecar

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
SHORT = "50ms"
# Long enough that only what is set shorter can be what ended a call.
LONG = dict.fromkeys(
    ("pool", "dns", "connect", "tls", "write_idle", "body_idle", "attempt", "total"), "20s"
)
BODY = b"x" * 16_000_000
MEMBERS: dict[str, Any] = {
    "drain": {"delay": "0ms", "timeout": "1ms"},  # nothing is waited for at the end
    "max_body": "32MiB",
    "replay_body": "32MiB",
}


@dataclass(frozen=True)
class Phase:
    """A fault, the time that bounds it, and what the caller is told."""

    time: str
    status: int
    error: str
    outcome: str
    step: Step = field(default_factory=answer)
    before_read: Step | None = None
    host: str = "127.0.0.1"
    scheme: str = "http"
    body: bytes = b"{}"


async def silent(_: Connected) -> None:
    await asyncio.Event().wait()


async def unread(connected: Connected) -> None:
    connected.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


READ_TIMEOUT, TIMEOUT = "connection_read_timeout", "http_response_timeout"
PHASES = {
    "dns": Phase("dns", 504, "dns_timeout", "not_sent", host=HOST),
    "connect": Phase("connect", 504, "connection_timeout", "not_sent", host="127.0.0.2"),
    "tls": Phase("tls", 504, "connection_timeout", "not_sent", before_read=silent, scheme="https"),
    "write": Phase(
        "write_idle", 504, "connection_write_timeout", "unknown", before_read=unread, body=BODY
    ),
    "head": Phase("headers", 504, TIMEOUT, "unknown", hang),
    "head_half": Phase("headers", 504, TIMEOUT, "unknown", send(HEAD[:-2])),
    "body": Phase("body_idle", 504, READ_TIMEOUT, "unknown", send(HEAD + b"1")),
    "attempt": Phase("attempt", 504, TIMEOUT, "unknown", hang),
    "attempt_body": Phase("attempt", 504, READ_TIMEOUT, "unknown", send(HEAD + b"1")),
    "wish": Phase("wish", 504, TIMEOUT, "unknown", hang),
}


@asynccontextmanager
async def failing(phase: Phase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Give settings of a provider that fails in *phase*, and the provider."""
    async with RawProvider([phase.step], before_read=phase.before_read) as upstream:
        if phase.host == HOST:
            resolver = Resolver(["127.0.0.1"])
            resolver.may_answer.clear()
            resolver.install(monkeypatch)
        settings = provider(
            0,
            base_url=f"{phase.scheme}://{phase.host}:{upstream.port}",
            allow_plaintext=True,
            retry={"max_attempts": 1},
            timeouts=LONG if phase.time == "wish" else LONG | {phase.time: SHORT},
        )
        with black_hole("127.0.0.2", upstream.port):
            yield settings, upstream


@pytest.mark.item(78, 80, 113)
@pytest.mark.parametrize("name", PHASES)
async def test_the_phase_that_took_too_long_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = PHASES[name]
    async with (
        failing(phase, monkeypatch) as (settings, upstream),
        sidecar({"acme": settings}, **MEMBERS) as proxy,
        asyncio.timeout(5),
    ):
        wishes = {"Paysluice-Timeout": SHORT} if phase.time == "wish" else {}
        reply = await proxy.ask("POST", "/acme/payments", wishes, phase.body)
        told(reply, phase.status, phase.error, phase.outcome)
        assert reply.json["error_code"] == "gateway_timeout"
        if phase.outcome == "not_sent":
            assert (upstream.requests, upstream.bytes_seen) == (0, 0)


def told(reply: Reply, status: int, error: str, outcome: str) -> None:
    envelope = sound_envelope(reply)
    assert reply.status == status
    status_field = str(reply.header("Proxy-Status")).split("; ")
    assert status_field[:2] == ["paysluice", f"error={error}"]
    assert envelope["outcome"] == outcome


@pytest.mark.item(18, 78, 80, 113)
async def test_who_waits_for_a_connection_too_long_is_told_that_all_are_taken() -> None:
    settings: dict[str, Any] = {
        "retry": {"max_attempts": 1},
        "connections": {"max": 1},
        "timeouts": LONG | {"pool": SHORT},
    }
    go = asyncio.Event()

    async def held(connected: Connected) -> None:
        await go.wait()
        await answer()(connected)

    async with (
        RawProvider([held]) as upstream,
        sidecar({"acme": provider(upstream.port, **settings)}) as proxy,
    ):
        first = asyncio.ensure_future(proxy.ask(body=b"{}"))
        await upstream.arrived.wait()
        reply = await proxy.ask(body=b"{}")
        told(reply, 503, "connection_limit_reached", "not_sent")
        assert (reply.json["error_code"], reply.json["attempts"]) == ("overloaded", 0)
        assert (upstream.connections, upstream.requests) == (1, 1)
        go.set()
        assert (await first).status == 200
        assert (await proxy.ask(body=b"{}")).status == 200


@pytest.mark.item(113)
async def test_what_fails_at_once_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver().install(monkeypatch)
    unknown = f"http://{HOST}:80"
    for base_url, error in (
        (unknown, "dns_error"),
        (f"http://127.0.0.1:{dead_port()}", "connection_refused"),
    ):
        settings = provider(0, base_url=base_url, allow_plaintext=True, timeouts=LONG)
        async with sidecar({"acme": settings}) as proxy, asyncio.timeout(5):
            told(await proxy.ask(body=b"{}"), 502, error, "not_sent")


@pytest.mark.item(113)
async def test_a_deadline_that_comes_before_anything_was_sent_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phase = Phase("wish", 504, "", "not_sent", host=HOST)
    async with (
        failing(phase, monkeypatch) as (settings, upstream),
        sidecar({"acme": settings}, **MEMBERS) as proxy,
        asyncio.timeout(5),
    ):
        reply = await proxy.ask("POST", "/acme/payments", {"Paysluice-Timeout": SHORT}, b"{}")
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["outcome"]) == (504, "not_sent")
        # Two clocks ring at the same moment, the caller's and the attempt's: either may be first.
        error = str(reply.header("Proxy-Status")).removeprefix("paysluice; error=")
        assert error in {"dns_timeout", TIMEOUT}
        assert upstream.connections == 0


@pytest.mark.item(113)
@pytest.mark.parametrize("by", ["total", "caller"])
async def test_all_attempts_together_have_a_time_that_a_caller_can_only_shorten(by: str) -> None:
    loop = asyncio.get_running_loop()
    total = "250ms" if by == "total" else "20s"
    wish = "20s" if by == "total" else "250ms"
    settings = {
        "timeouts": LONG | {"attempt": "100ms", "total": total},
        "retry": FAST | {"max_attempts": 9},
    }
    async with (
        RawProvider([hang]) as upstream,
        sidecar({"acme": provider(upstream.port, **settings)}) as proxy,
    ):
        began = loop.time()
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Timeout": wish})
        told(reply, 504, TIMEOUT, "rejected")
        assert 0.24 < loop.time() - began < 5
        assert 2 <= reply.json["attempts"] <= 3
        assert upstream.seen[0].values(b"paysluice-timeout") == []


@pytest.mark.item(114)
async def test_a_stream_that_stalls_is_cut_by_its_idle_time_alone() -> None:
    loop = asyncio.get_running_loop()
    size = 400_000
    piece = b"x" * (size // 8)

    async def trickle(connected: Connected) -> None:
        connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(4):  # in all longer than any time of a call, each pause shorter than idle
            connected.writer.write(piece)
            await paused(0.05)
        await asyncio.Event().wait()

    async def paused(seconds: float) -> None:
        over = asyncio.Event()
        loop.call_later(seconds, over.set)
        await over.wait()

    times = {"attempt": "120ms", "total": "120ms", "body_idle": "200ms"}
    async with (
        RawProvider([trickle]) as upstream,
        sidecar({"acme": provider(upstream.port, timeouts=times)}) as proxy,
        caller(proxy.port) as one,
        asyncio.timeout(5),
    ):
        await one.send(head("GET /acme/report HTTP/1.1"))
        assert (await one.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        began = loop.time()
        assert await one.reader.readexactly(4 * len(piece)) == piece * 4
        assert loop.time() - began > 0.12
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await one.reader.readexactly(1)
