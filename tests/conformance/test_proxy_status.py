"""`Proxy-Status` as a reader of Structured Fields sees it, beside the status it comes with."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop

from proxy.terms import Call, Outcome
from tests.conformance.addresses import HOST, Resolver, dead_port
from tests.conformance.structured import Member, Token, read_list
from tests.support import raw
from tests.support.caller import caller, head, sound_envelope
from tests.support.door import door
from tests.support.raw import RawProvider, Step, answer, hang, send
from tests.support.sidecar import Reply, provider, sidecar
from tests.support.world import post, world

GET = head("GET /acme/x HTTP/1.1")
PAY = post("Content-Length: 2", body=b"{}")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
ONCE = {"retry": {"max_attempts": 1}}
FRAGILE = ONCE | {"breaker": {"min_requests": 1, "failure_ratio": 0.1}}
# RFC 8446 section 6: a record of type alert that says fatal, handshake_failure.
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
NARROW = ONCE | {"rate_limits": [{"name": "a", "rate": "1/1m", "burst": 1, "max_wait": "0s"}]}


def members_of(reply: Reply) -> list[Member]:
    """Give the members of the one `Proxy-Status` field, ours last."""
    lines = [value for name, value in reply.headers if name.lower() == b"proxy-status"]
    assert len(lines) == 1
    return read_list(lines[0].decode("ascii"))


def ours(reply: Reply) -> dict[str, Any]:
    """Give the parameters of our member, once its types are known to be right."""
    member = members_of(reply)[-1]
    assert (type(member.value), member.value) == (Token, "paysluice")
    said = member.parameters
    assert set(said) <= {"error", "received-status"}  # `details` might leak, and is never there
    assert type(said.get("error", Token())) is Token
    assert type(said.get("received-status", 0)) is int
    return said


# --- answers of our own: each condition has its status and its error type


@dataclass(frozen=True)
class Own:
    """A condition, and what the caller is told of it: RFC 9209 section 2.3 names the error."""

    status: int
    error: str
    request: bytes = PAY
    steps: tuple[Step, ...] = ()
    acme: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    asked_before: bytes = b""  # a request that brings the condition about
    retry_after: bool = False
    received: int | None = None  # the status of an answer that was begun


def line(text: str) -> bytes:
    return post(line=text)


REQUEST, UNAVAILABLE, PROTOCOL = (
    "http_request_error",
    "destination_unavailable",
    "http_protocol_error",
)
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %b\r\n\r\n%b"
OWN = {
    "no_route": Own(404, "destination_not_found", line("GET /nobody HTTP/1.1")),
    "circuit_open": Own(
        503, UNAVAILABLE, GET, (answer(503),), FRAGILE, asked_before=GET, retry_after=True
    ),
    "paused": Own(503, UNAVAILABLE, acme={"paused": "all"}),
    "rate_limit": Own(429, REQUEST, acme=NARROW, asked_before=GET, retry_after=True),
    "connect": Own(405, REQUEST, line("CONNECT paysluice:443 HTTP/1.1")),
    "trace": Own(405, REQUEST, line("TRACE /acme/x HTTP/1.1")),
    "unknown_method": Own(501, REQUEST, line("BREW /acme/x HTTP/1.1")),
    "bad_request": Own(400, REQUEST, post("Content-Length: 2", "Content-Length: 2")),
    "no_request": Own(400, REQUEST, b"hello\r\n\r\n"),
    "large_body": Own(413, REQUEST, post("Content-Length: 99999999999")),
    "long_target": Own(414, REQUEST, line(f"GET /acme/{'x' * 20_000} HTTP/1.1")),
    "large_fields": Own(431, REQUEST, post(*[f"X-{n}: {'x' * 9_000}" for n in range(9)])),
    "key_missing": Own(400, REQUEST, acme={"idempotency": {"require_key": True}}),
    "slow_caller": Own(
        408, REQUEST, post("Content-Length: 9"), members={"callers": {"body_timeout": "30ms"}}
    ),
    "loop": Own(502, "proxy_loop_detected", post("Via: 1.1 paysluice")),
    "no_answer_fin": Own(502, "connection_terminated", steps=(raw.close,)),
    "no_answer_rst": Own(502, "connection_terminated", steps=(raw.reset,)),
    "no_answer_in_time": Own(
        504, "http_response_timeout", steps=(hang,), acme={"timeouts": {"attempt": "400ms"}}
    ),
    "half_a_head": Own(502, "http_response_incomplete", steps=(send(HEAD[:-2], keep=False),)),
    "half_a_body": Own(
        502, "http_response_incomplete", steps=(send(HEAD + b"1", keep=False),), received=200
    ),
    "stalled_body": Own(
        504,
        "connection_read_timeout",
        steps=(send(HEAD + b"1"),),
        acme={"timeouts": {"body_idle": "40ms"}},
        received=200,
    ),
    "no_http": Own(502, PROTOCOL, steps=(send(b"SSH-2.0-x\r\n\r\n"),)),
    "odd_status": Own(502, PROTOCOL, steps=(answer(600),)),
    "switching": Own(502, PROTOCOL, steps=(send(b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n"),)),
    "odd_length": Own(502, PROTOCOL, steps=(send(HEAD.replace(b"5", b"-5")),)),
    "large_head": Own(
        502,
        "http_response_header_size",
        steps=(send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000),),
    ),
    "large_trailers": Own(
        502,
        "http_response_header_size",
        steps=(send(CHUNKS % (b"chunked", b"0\r\nX: " + b"x" * 80_000)),),
        received=200,
    ),
    "unknown_coding": Own(
        502, "http_response_transfer_coding", steps=(send(CHUNKS % (b"gzip, chunked", b"0\r\n")),)
    ),
}


@pytest.mark.item(77, 78, 79, 80, 81, 82)
@pytest.mark.parametrize("name", OWN)
async def test_each_condition_of_our_own_has_its_status_and_its_error_type(name: str) -> None:
    case = OWN[name]
    async with world(*case.steps, acme=case.acme, **case.members) as here:
        if case.asked_before:
            await here.ask(case.asked_before)
        reply = await here.ask(case.request)
    envelope = sound_envelope(reply)
    assert (reply.status, envelope["origin"]) == (case.status, "proxy")
    assert [v for n, v in reply.headers if n.lower() == b"cache-control"] == [b"no-store"]
    received = {} if case.received is None else {"received-status": case.received}
    assert ours(reply) == {"error": case.error} | received
    assert len(members_of(reply)) == 1
    assert (reply.header("Retry-After") is not None) is case.retry_after
    assert envelope["retryable"] or reply.header("Retry-After") is None


@asynccontextmanager
async def unreachable(name: str, patch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Any]]:
    """Give the settings of a provider that no connection can be made to."""
    first = send(ALERT) if name == "alert" else raw.close
    async with RawProvider([answer()], before_read=first) as upstream:
        url = {
            "refused": f"http://127.0.0.1:{dead_port()}",
            "no_name": f"http://{HOST}:80",
            "no_tls": f"https://127.0.0.1:{upstream.port}",
            "alert": f"https://127.0.0.1:{upstream.port}",
        }[name]
        Resolver().install(patch)
        yield provider(0, base_url=url, allow_plaintext=True, **ONCE)


@pytest.mark.item(78, 80, 81, 82)
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("refused", "connection_refused"),
        ("no_name", "dns_error"),
        ("no_tls", "tls_protocol_error"),
        ("alert", "tls_alert_received"),
    ],
)
async def test_a_provider_that_is_not_reached_is_502_and_the_reason_is_named(
    name: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with unreachable(name, monkeypatch) as acme, sidecar({"acme": acme}) as proxy:
        reply = await proxy.send(PAY.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert (reply.status, sound_envelope(reply)["outcome"]) == (502, "not_sent")
    assert ours(reply) == {"error": error}


@pytest.mark.item(78, 80, 82)
async def test_a_bug_of_ours_is_500_and_named_as_ours() -> None:
    async def buggy(_: Call) -> Outcome:
        raise LookupError

    async with door(buggy) as here, caller(here.port) as one:
        await one.send(PAY)
        reply = await one.answer()
    assert (reply.status, ours(reply)) == (500, {"error": "proxy_internal_error"})


@pytest.mark.item(78, 80)
@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN])
async def test_an_address_without_a_route_is_named(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unroutable(*_: object, **__: object) -> None:
        raise OSError(number, "no route")

    monkeypatch.setattr(uvloop.Loop, "sock_connect", unroutable)
    async with sidecar({"acme": provider(dead_port(), **ONCE)}) as proxy:
        reply = await proxy.ask(body=b"{}")
    assert (reply.status, ours(reply)) == (502, {"error": "destination_ip_unroutable"})


# --- answers of the provider


@pytest.mark.item(77, 79, 81, 82)
@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("errors", ["envelope", "passthrough"])
async def test_an_error_of_the_provider_has_its_status_and_no_error_type(
    status: int, errors: str
) -> None:
    async with world(answer(status, headers=[("Cache-Control", "max-age=9")]), acme=ONCE) as here:
        reply = await here.ask(post(f"Paysluice-Errors: {errors}"))
        assert ours(reply) == {"received-status": status}
        stands = errors == "passthrough"
        assert reply.header("Cache-Control") == ("max-age=9" if stands else "no-store")
        assert reply.status == status or not stands


@pytest.mark.item(82)
async def test_a_429_of_the_provider_differs_from_one_of_ours() -> None:
    acme = NARROW | {"breaker": {"min_requests": 1000}}
    async with world(answer(429), acme=acme) as here:
        theirs, own = await here.ask(GET), await here.ask(GET)
        assert (theirs.status, own.status, here.upstream.requests) == (429, 429, 1)
        assert ours(theirs) == {"received-status": 429}
        assert ours(own) == {"error": "http_request_error"}
        assert (theirs.json["origin"], own.json["origin"]) == ("provider", "proxy")


BEFORE = 'origin; error=dns_error; details="a \\"b\\", c"'


@pytest.mark.item(79)
@pytest.mark.parametrize("status", [200, 500])
async def test_members_that_came_stay_in_their_order_and_ours_is_the_last(status: int) -> None:
    came = [("Proxy-Status", BEFORE), ("proxy-status", '"cdn 1"; received-status=500; x')]
    async with world(answer(status, headers=came), acme=ONCE) as here:
        reply = await here.ask(PAY)
    if status == 200:  # on what is no error there is nothing to add
        assert [value for name, value in reply.headers if name.lower() == b"proxy-status"] == [
            value.encode() for _, value in came
        ]
        return
    first, second, last = members_of(reply)
    assert first == Member("origin", {"error": "dns_error", "details": 'a "b", c'})
    assert second == Member("cdn 1", {"received-status": 500, "x": True})
    assert last == Member("paysluice", {"received-status": 500})


@pytest.mark.item(79)
@pytest.mark.parametrize("came", ['"no end', "a b", "a; B=1", "caf\xe9", "a,, b", "=", "(a b"])
async def test_what_came_and_is_no_list_does_not_make_ours_unreadable(came: str) -> None:
    async with world(answer(500, headers=[("Proxy-Status", came)]), acme=ONCE) as here:
        assert ours(await here.ask(PAY)) == {"received-status": 500}


@pytest.mark.item(83)
@pytest.mark.parametrize("size", [2, 1_000_000], ids=["kept", "streamed"])
async def test_no_proxy_status_comes_behind_a_body(size: int) -> None:
    body = b"%x\r\n%b\r\n0\r\n" % (size, b"x" * size)
    trailer = b"Proxy-Status: edge; error=http_response_timeout\r\nX-Sum: 1\r\n\r\n"
    told = b"chunked\r\nTrailer: Proxy-Status, X-Sum"
    async with (
        world(send(CHUNKS % (told, body + trailer))) as here,
        caller(here.proxy.port) as one,
    ):
        await one.send(head("GET /acme/x HTTP/1.1", "Connection: close"))
        told_us, _, got = (await one.rest()).partition(b"\r\n\r\n")
        assert told_us.startswith(b"HTTP/1.1 200")
        for name in (b"proxy-status", b"trailer:", b"x-sum"):
            assert name not in told_us.lower() + got.lower()
        if size > 2:
            assert got.endswith(b"x\r\n0\r\n\r\n")
