"""What a caller may send, and what it is told: raw bytes at a running sidecar."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import raw
from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import RawProvider, Step, answer, send
from tests.support.sidecar import Sidecar, provider, read_reply, sidecar

CANARY = "4111111111111111"
POST = f"POST /acme/payments?card={CANARY} HTTP/1.1"
SECRET = f"X-Canary: {CANARY}"


@dataclass
class World:
    """A sidecar between a raw caller and a raw provider."""

    proxy: Sidecar
    upstream: RawProvider

    async def ask(self, raw_request: bytes, *, is_head: bool = False) -> Any:
        async with caller(self.proxy.port) as one:
            await one.send(raw_request)
            return await one.answer(is_head=is_head)


@asynccontextmanager
async def world(*steps: Step, acme: Any = None, **members: Any) -> AsyncIterator[World]:
    async with RawProvider(list(steps) or [answer()]) as upstream:
        providers = {"acme": provider(upstream.port, **(acme or {}))}
        async with sidecar(providers, **members) as proxy:
            yield World(proxy, upstream)


def post(
    *fields: str, line: str = POST, host: str | None = "paysluice", body: bytes = b""
) -> bytes:
    return head(line, SECRET, *fields, host=host) + body


MALFORMED = {
    "no_http": f"hello {CANARY}\r\n\r\n".encode(),
    "http_0_9": f"GET /acme/{CANARY}\r\n\r\n".encode(),
    "http_1_2": post(line=POST.replace("1.1", "1.2")),
    "http_2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower_case_method": post(line=POST.replace("POST", "post")),
    "unknown_method": post(line=POST.replace("POST", "BREW")),
    "no_host": post(host=None),
    "two_hosts": post("Host: other"),
    "odd_host": post(host="a b@c/d"),
    "empty_host": post(host=""),
    "host_with_userinfo": post(host="user@paysluice"),
    "te_and_cl": post("Transfer-Encoding: chunked", "Content-Length: 2", body=b"0\r\n\r\n"),
    "cl_twice": post("Content-Length: 0", "Content-Length: 0"),
    "cl_differing": post("Content-Length: 5", "Content-Length: 6"),
    "cl_list": post("Content-Length: 5, 5"),
    "cl_plus": post("Content-Length: +5"),
    "cl_underscore": post("Content-Length: 0_5"),
    "cl_minus": post("Content-Length: -1"),
    "cl_hex": post("Content-Length: 0x5"),
    "cl_empty": post("Content-Length: "),
    "cl_beyond_64_bits": post("Content-Length: " + "9" * 30),
    "te_unknown": post("Transfer-Encoding: xchunked"),
    "te_gzip": post("Transfer-Encoding: gzip"),
    "te_gzip_chunked": post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "te_chunked_identity": post("Transfer-Encoding: chunked, identity"),
    "te_twice": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "te_in_http_1_0": post(
        "Transfer-Encoding: chunked", line=POST.replace("1.1", "1.0"), body=b"0\r\n\r\n"
    ),
    "space_before_colon": post("X-A : b"),
    "folded_field": post("X-A: b\r\n c"),
    "bare_cr_in_field": post("X-A: b\rc"),
    "nul_in_field": post("X-A: b\0c"),
    "connection_names_the_key": post("Idempotency-Key: k", "Connection: Idempotency-Key"),
    "connection_names_authorization": post("Connection: close, Authorization"),
    "absolute_form_elsewhere": post(line=f"POST http://other/acme/{CANARY} HTTP/1.1"),
    "absolute_form_with_userinfo": post(line=f"POST http://u:{CANARY}@paysluice/acme/x HTTP/1.1"),
    "absolute_form_of_ftp": post(line="POST ftp://paysluice/acme/x HTTP/1.1"),
    "asterisk": post(line="OPTIONS * HTTP/1.1"),
    "dot_segment": post(line=f"POST /acme/../{CANARY} HTTP/1.1"),
    "encoded_dot_segment": post(line=f"POST /acme/%2e%2E/{CANARY} HTTP/1.1"),
    "backslash": post(line=f"POST /acme\\{CANARY} HTTP/1.1"),
    "fragment": post(line=f"POST /acme/x#{CANARY} HTTP/1.1"),
    "obs_text_in_target": post(line=f"POST /acme/\xe9{CANARY} HTTP/1.1"),
    "bad_timeout": post(f"Paysluice-Timeout: {CANARY}"),
    "bad_retry": post("Paysluice-Retry: maybe"),
    "bad_errors": post("Paysluice-Errors: html"),
    "bad_chunk_size": post(
        "Transfer-Encoding: chunked", body=f"zz\r\n{CANARY}\r\n0\r\n\r\n".encode()
    ),
    "negative_chunk_size": post("Transfer-Encoding: chunked", body=b"-1\r\n\r\n"),
    "chunk_longer_than_its_size": post("Transfer-Encoding: chunked", body=b"2\r\nabcd\r\n"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_sound_request_is_400_closed_never_sent_on_and_never_echoed(
    name: str,
) -> None:
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(MALFORMED[name])
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (400, "malformed_request")
        assert envelope["error_type"] == "validation"
        assert (envelope["origin"], envelope["outcome"]) == ("proxy", "not_sent")
        assert (envelope["attempts"], envelope["retryable"]) == (0, False)
        assert "error=http_request_error" in str(reply.header("Proxy-Status"))
        assert CANARY.encode() not in reply.body
        assert not any(CANARY.encode() in value for _, value in reply.headers)
        assert reply.header("Connection") == "close"
        assert await one.rest() == b""
        assert here.upstream.requests == 0
        assert CANARY not in here.proxy.log.getvalue()


LARGE = {
    "target": (post(line="POST /acme/" + "x" * 9_000 + " HTTP/1.1"), {"max_line": "8KiB"}, 414),
    "field": (post("X-A: " + "x" * 9_000), {"max_header_bytes": "8KiB"}, 431),
    "fields_together": (
        post(*[f"X-{n}: " + "x" * 900 for n in range(10)]),
        {"max_header_bytes": "8KiB"},
        431,
    ),
    "too_many_fields": (post(*[f"X-{n}: a" for n in range(20)]), {"max_headers": 16}, 431),
}


@pytest.mark.parametrize("name", LARGE)
async def test_a_head_beyond_its_bounds_is_refused_with_the_status_that_says_which(
    name: str,
) -> None:
    request, callers, status = LARGE[name]
    async with world(callers=callers) as here:
        reply = await here.ask(request)
        assert reply.status == status
        assert sound_envelope(reply)["error_code"] == "request_too_large"
        assert reply.header("Connection") == "close"
        assert here.upstream.requests == 0


@pytest.mark.parametrize("size", [8_000, 16_000])
async def test_a_long_target_within_the_bound_goes_on_whole(size: int) -> None:
    async with world() as here:
        target = "/acme/" + "x" * size
        assert (await here.ask(head(f"GET {target} HTTP/1.1"))).status == 200
        assert here.upstream.seen[0].line == f"GET {target[5:]} HTTP/1.1".encode()


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
async def test_connect_and_trace_are_405_with_allow(method: str) -> None:
    target = "paysluice:443" if method == "CONNECT" else "/acme/x"
    async with world() as here:
        reply = await here.ask(head(f"{method} {target} HTTP/1.1"))
        assert reply.status == 405
        assert sound_envelope(reply)["error_code"] == "method_not_allowed"
        assert "POST" in str(reply.header("Allow"))
        assert here.upstream.requests == 0


@pytest.mark.parametrize("method", ["PROPFIND", "PURGE", "LINK"])
async def test_a_method_that_is_not_forwarded_is_501(method: str) -> None:
    async with world() as here:
        reply = await here.ask(head(f"{method} /acme/x HTTP/1.1"))
        assert reply.status == 501
        assert sound_envelope(reply)["error_code"] == "not_supported"
        assert here.upstream.requests == 0


@pytest.mark.parametrize("target", ["/", "/other/x", "/acmes", "/_paysluice/outcomes"])
async def test_a_path_of_no_provider_is_404_and_keeps_the_connection(target: str) -> None:
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(head(f"GET {target} HTTP/1.1"))
        reply = await one.answer()
        assert reply.status == 404
        assert sound_envelope(reply)["provider"]["name"] is None
        assert "error=destination_not_found" in str(reply.header("Proxy-Status"))
        await one.send(head("GET /acme/x HTTP/1.1"))
        assert (await one.answer()).status == 200


LIMIT = {"max_body": "1KiB", "replay_body": "1KiB"}


async def test_a_body_whose_length_is_beyond_max_body_is_413_before_it_is_read() -> None:
    async with world(**LIMIT) as here:
        reply = await here.ask(post("Content-Length: 1025"))
        assert reply.status == 413
        assert sound_envelope(reply)["outcome"] == "not_sent"
        assert here.upstream.requests == 0


@pytest.mark.parametrize("replay_body", ["1KiB", "512B"])
async def test_a_chunked_body_that_grows_beyond_max_body_is_413(replay_body: str) -> None:
    async with world(max_body="1KiB", replay_body=replay_body) as here:
        piece = b"400\r\n" + b"x" * 1024 + b"\r\n"
        reply = await here.ask(post("Transfer-Encoding: chunked", body=piece + piece))
        assert reply.status == 413
        envelope = sound_envelope(reply)
        assert envelope["error_code"] == "request_too_large"
        # Streamed, a part of it may have gone on before it was seen to be too large.
        assert envelope["outcome"] == "not_sent" or here.upstream.requests


async def test_a_body_of_exactly_max_body_goes_on() -> None:
    async with world(**LIMIT) as here:
        reply = await here.ask(post("Content-Length: 1024", body=b"x" * 1024))
        assert reply.status == 200
        assert here.upstream.seen[0].body == b"x" * 1024


@pytest.mark.parametrize(
    "via", ["1.1 paysluice", "1.0 edge, 1.1 Paysluice (x)", "HTTP/1.1 paysluice"]
)
async def test_a_request_that_passed_here_before_is_a_loop(via: str) -> None:
    async with world() as here:
        reply = await here.ask(post(f"Via: {via}"))
        assert reply.status == 502
        assert sound_envelope(reply)["error_code"] == "bad_gateway"
        assert "error=proxy_loop_detected" in str(reply.header("Proxy-Status"))
        assert here.upstream.requests == 0


async def test_a_provider_that_is_a_sidecar_ends_in_one_hop() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as inner,
        sidecar({"acme": provider(inner.port)}) as outer,
    ):
        reply = await outer.ask("POST", "/acme/acme/x")
        assert reply.json["provider"]["code"] == "bad_gateway"
        assert upstream.requests == 0


@pytest.mark.parametrize("replay_body", ["1MiB", "4B"])
async def test_a_body_whose_framing_breaks_later_is_refused_at_once(replay_body: str) -> None:
    async with world(replay_body=replay_body) as here, caller(here.proxy.port) as one:
        await one.send(post("Transfer-Encoding: chunked", body=b"8\r\n12345678\r\n"))
        await asyncio.sleep(0.01)
        await one.send(f"zz\r\n{CANARY}\r\n".encode())
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert CANARY.encode() not in reply.body
        assert reply.header("Connection") == "close"
        assert await one.rest() == b""
        assert all(seen.body == b"" for seen in here.upstream.seen)  # never a whole one
        if replay_body == "1MiB":
            assert (reply.status, envelope["outcome"]) == (400, "not_sent")
            assert here.upstream.requests == 0
        else:
            assert envelope["outcome"] == "unknown"


# --- versions and connections


@pytest.mark.parametrize(
    "step",
    [
        answer(),
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", keep=False),
    ],
)
async def test_a_caller_of_http_1_0_is_answered_unchunked_and_closed(step: Step) -> None:
    async with world(step) as here, caller(here.proxy.port) as one:
        await one.send(b"GET /acme/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        reply = await one.answer()
        assert (reply.status, reply.body) == (200, b"{}")
        assert reply.header("Transfer-Encoding") is None
        assert reply.header("Connection") == "close"
        assert await one.rest() == b""


async def test_a_large_answer_to_http_1_0_ends_with_its_connection() -> None:
    body = b"x" * 300_000
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    async with world(send(chunked % (len(body), body))) as here:
        reply = await here.ask(b"GET /acme/x HTTP/1.0\r\n\r\n")
        assert reply.body == body
        assert reply.header("Content-Length") is None


async def test_a_connection_carries_many_requests() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        for number in range(5):
            body = b"x" * number
            await one.send(post(f"Content-Length: {number}", body=body))
            reply = await one.answer()
            assert reply.status == 200
            assert reply.header("Connection") is None
        assert [len(seen.body) for seen in here.upstream.seen] == [0, 1, 2, 3, 4]
        assert here.upstream.connections == 1


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with world(*[answer(body=b"%d" % n) for n in range(40)]) as here:
        async with caller(here.proxy.port) as one:
            await one.send(b"".join(head(f"GET /acme/{n} HTTP/1.1") for n in range(40)))
            replies = [await one.answer() for _ in range(40)]
        assert [reply.body for reply in replies] == [b"%d" % n for n in range(40)]


async def test_a_smuggled_request_behind_a_refused_one_is_never_served() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        smuggled = head("GET /acme/smuggled HTTP/1.1")
        await one.send(post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n") + smuggled)
        assert (await one.answer()).status == 400
        assert await one.rest() == b""
        assert here.upstream.requests == 0


async def test_an_upgrade_is_ignored_and_what_follows_it_is_served() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(head("GET /acme/x HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"))
        reply = await one.answer()
        assert reply.status == 200
        assert here.upstream.seen[0].values(b"upgrade") == []
        if reply.header("Connection") != "close":
            await one.send(head("GET /acme/x HTTP/1.1"))
            assert (await one.answer()).status == 200


async def test_an_upgrade_with_a_body_loses_none_of_it() -> None:
    async with world() as here:
        fields = ("Upgrade: websocket", "Connection: Upgrade", "Content-Length: 4")
        assert (await here.ask(post(*fields, body=b"body"))).status == 200
        assert here.upstream.seen[0].body == b"body"


# --- time


async def test_a_head_that_does_not_come_to_its_end_is_cut_off() -> None:
    async with world(callers={"header_timeout": "50ms"}) as here:
        async with caller(here.proxy.port) as one:
            await one.send(b"POST /acme/payments HTTP/1.1\r\nHost: x\r\n")
            assert await one.rest() == b""
        assert here.upstream.requests == 0


async def test_an_idle_connection_outlives_header_timeout() -> None:
    async with world(callers={"header_timeout": "20ms"}) as here, caller(here.proxy.port) as one:
        for _ in range(2):
            await asyncio.sleep(0.03)
            await one.send(head("GET /acme/x HTTP/1.1"))
            assert (await one.answer()).status == 200


async def test_what_is_left_of_a_refused_body_is_no_slow_head() -> None:
    async with world(callers={"header_timeout": "20ms"}) as here, caller(here.proxy.port) as one:
        await one.send(head("POST /nobody HTTP/1.1", "Content-Length: 4") + b"a")
        assert (await one.answer()).status == 404
        await one.send(b"bc")
        await asyncio.sleep(0.03)
        await one.send(b"d" + head("GET /acme/x HTTP/1.1"))
        assert (await one.answer()).status == 200


async def test_an_idle_connection_is_closed_after_idle_timeout() -> None:
    async with world(callers={"idle_timeout": "20ms"}) as here, caller(here.proxy.port) as one:
        await one.send(head("GET /acme/x HTTP/1.1"))
        assert (await one.answer()).status == 200
        assert await one.rest() == b""


@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked"])
async def test_a_body_that_stalls_is_408_and_closed(framing: str) -> None:
    async with world(callers={"body_timeout": "50ms"}) as here:
        async with caller(here.proxy.port) as one:
            await one.send(post(framing, body=b"3\r\nabc\r\n"))
            reply = await one.answer()
            assert reply.status == 408
            assert sound_envelope(reply)["outcome"] == "not_sent"
            assert reply.header("Connection") == "close"
        assert here.upstream.requests == 0


@pytest.mark.parametrize(
    "part",
    [
        b"POST /acme/pay",
        b"POST /acme/payments HTTP/1.1\r\nHost: x\r\n",
        post("Content-Length: 10", body=b"abc"),
        post("Transfer-Encoding: chunked", body=b"5\r\nab"),
    ],
)
async def test_half_a_request_is_never_sent_on(part: bytes) -> None:
    async with world() as here:
        async with caller(here.proxy.port) as one:
            await one.send(part)
        assert (await here.proxy.ask("GET", "/acme/alive")).status == 200
        assert [seen.line for seen in here.upstream.seen] == [b"GET /alive HTTP/1.1"]


# --- Expect


async def test_expect_is_answered_100_and_then_the_answer_and_goes_no_further() -> None:
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(post("Expect: 100-continue", "Content-Length: 4"))
        assert (await one.answer()).status == 100
        await one.send(b"body")
        assert (await one.answer()).status == 200
        assert here.upstream.seen[0].body == b"body"
        assert here.upstream.seen[0].values(b"expect") == []


@pytest.mark.parametrize(
    ("target", "acme", "status"),
    [("/other/x", {}, 404), ("/acme/x", {"paused": "all"}, 503), ("/acme/../x", {}, 400)],
)
async def test_a_refused_request_gets_its_final_status_without_100(
    target: str, acme: dict[str, Any], status: int
) -> None:
    async with world(acme=acme) as here:
        line = f"POST {target} HTTP/1.1"
        reply = await here.ask(post("Expect: 100-continue", "Content-Length: 4", line=line))
        assert reply.status == status
        sound_envelope(reply)


async def test_an_open_circuit_refuses_before_100() -> None:
    acme = {"breaker": {"min_requests": 1, "failure_ratio": 0.1}, "retry": {"max_attempts": 1}}
    async with world(answer(503), acme=acme) as here:
        assert (await here.ask(head("GET /acme/x HTTP/1.1"))).status == 503
        reply = await here.ask(post("Expect: 100-continue", "Content-Length: 4"))
        assert reply.status == 503
        assert sound_envelope(reply)["error_code"] == "circuit_open"
        assert here.upstream.requests == 1


async def test_http_1_0_is_never_sent_100() -> None:
    async with world() as here:
        fields = ("Expect: 100-continue", "Content-Length: 2")
        reply = await here.ask(post(*fields, line=POST.replace("1.1", "1.0"), body=b"{}"))
        assert reply.status == 200


# --- answers without a body


async def test_head_has_the_fields_of_a_get_and_no_body() -> None:
    head_only = send(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: x\r\n\r\n")
    async with world(head_only) as here, caller(here.proxy.port) as one:
        for _ in range(2):
            await one.send(head("HEAD /acme/x HTTP/1.1"))
            reply = await one.answer(is_head=True)
            assert (reply.status, reply.header("Content-Length")) == (200, "1234")
            assert reply.header("Transfer-Encoding") is None


@pytest.mark.parametrize("target", ["/acme/x", "/nobody"])
async def test_an_error_to_head_has_headers_only(target: str) -> None:
    missing = send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n")
    async with world(missing) as here, caller(here.proxy.port) as one:
        await one.send(head(f"HEAD {target} HTTP/1.1", "Connection: close"))
        reply = await one.answer(is_head=True)
        assert reply.status == 404
        assert reply.header("Paysluice-Error-Code") == "resource_not_found"
        assert reply.header("Content-Type") == "application/json"
        assert await one.rest() == b""


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_no_framing(status: int) -> None:
    bare = send(b"HTTP/1.1 %d X\r\nETag: x\r\n\r\n" % status)
    async with world(bare) as here, caller(here.proxy.port) as one:
        for _ in range(2):
            await one.send(head("GET /acme/x HTTP/1.1"))
            reply = await one.answer()
            assert (reply.status, reply.header("ETag")) == (status, "x")
            assert reply.header("Content-Length") is None
            assert reply.header("Transfer-Encoding") is None


# --- what crosses, and what does not


async def test_fields_keep_their_order_their_case_and_their_repeats() -> None:
    fields = ["X-Dup: a", "x-dup: b", "X-DUP: c", "X-dup: a", "x-ODD-case: 1", "Cookie: a=1"]
    async with world() as here:
        await here.ask(head("GET /acme/x HTTP/1.1", *fields))
        seen = here.upstream.seen[0].head.decode().split("\r\n")
        assert seen[0] == "GET /x HTTP/1.1"
        assert seen[1] == f"Host: 127.0.0.1:{here.upstream.port}"
        assert seen[2:] == [*fields, "Via: 1.1 paysluice"]


async def test_a_request_goes_on_with_nothing_that_its_caller_did_not_send() -> None:
    async with world() as here:
        await here.ask(head("POST /acme/x HTTP/1.1"))
        names = [name for name, _ in here.upstream.seen[0].fields]
        assert names == [b"Host", b"Via", b"Content-Length"]


async def test_hop_by_hop_fields_and_ours_and_the_pods_stay_behind() -> None:
    fields = [
        "Connection: close, X-Named",
        "X-Named: 1",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic x",
        "TE: trailers",
        "Trailer: X-T",
        "HTTP2-Settings: x",
        "X-Forwarded-For: 10.0.0.1",
        "Forwarded: for=10.0.0.1",
        "X-Real-IP: 10.0.0.1",
        "Max-Forwards: 3",
        "Paysluice-Timeout: 8s",
        "Paysluice-Anything: x",
        "X-Kept: yes",
    ]
    async with world() as here:
        assert (await here.ask(head("GET /acme/x HTTP/1.1", *fields))).status == 200
        names = [name for name, _ in here.upstream.seen[0].fields]
        assert names == [b"Host", b"X-Kept", b"Via"]


async def test_an_answer_loses_what_was_for_our_hop_only() -> None:
    fields = [
        ("Connection", "keep-alive, X-Named"),
        ("X-Named", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authenticate", "Basic"),
        ("Upgrade", "h2c"),
        ("Paysluice-Request-Id", "forged"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("x-MiXed", "yes"),
    ]
    async with world(answer(headers=fields)) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1"))
        names = [name for name, _ in reply.headers]
        assert names[:3] == [b"Set-Cookie", b"Set-Cookie", b"x-MiXed"]
        assert set(names[3:]) == {
            b"Paysluice-Request-Id",
            b"Paysluice-Attempts",
            b"Date",
            b"Content-Length",
        }
        assert reply.header("Paysluice-Request-Id") != "forged"


async def test_bytes_beyond_ascii_in_a_field_are_opaque_both_ways() -> None:
    async with world(answer(headers=[("X-Name", "caf\xe9 \xff")])) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1", "X-Name: caf\xe9 \xff"))
        assert here.upstream.seen[0].values(b"x-name") == [b"caf\xe9 \xff"]
        assert (b"X-Name", b"caf\xe9 \xff") in reply.headers


async def test_a_control_character_in_an_answer_never_costs_the_success() -> None:
    charged = send(b"HTTP/1.1 201 Created\r\nX-Odd: a\x01b\x7f\r\nContent-Length: 2\r\n\r\n{}")
    async with world(charged) as here:
        reply = await here.ask(post())
        assert (reply.status, reply.header("X-Odd"), reply.body) == (201, "a b ", b"{}")


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_compressed_body_goes_on_byte_for_byte(framing: str) -> None:
    body = gzip.compress(b'{"amount": 1000}' * 50)
    async with world() as here:
        if framing == "length":
            request = post("Content-Encoding: gzip", f"Content-Length: {len(body)}", body=body)
        else:
            chunk = b"%x\r\n%b\r\n0\r\nX-Trailer: dropped\r\n\r\n" % (len(body), body)
            request = post("Content-Encoding: gzip", "Transfer-Encoding: chunked", body=chunk)
        assert (await here.ask(request)).status == 200
        seen = here.upstream.seen[0]
        assert seen.body == body
        assert seen.values(b"content-encoding") == [b"gzip"]
        assert seen.values(b"x-trailer") == []
        assert b"X-Trailer" not in seen.head


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "QUERY"])
async def test_a_body_of_any_method_goes_on(method: str) -> None:
    async with world(answer(body=b"")) as here:
        request = head(f"{method} /acme/x HTTP/1.1", "Content-Length: 4") + b"body"
        assert (await here.ask(request, is_head=method == "HEAD")).status == 200
        assert here.upstream.seen[0].body == b"body"


TARGETS = [
    "/a%2Fb",
    "/a%20b?x=1&x=2&y",
    "/a+b?q=a+b%20c%2Bd",
    "/%7Eu;p=1",
    "/a//b",
    "/%zz",
    "/a?",
    "/a?u=http://x/../y",
    "/a?x=[1]",
    "//evil.com/x",
    "",
    "?x=1",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_a_target_goes_on_byte_for_byte(target: str) -> None:
    async with world() as here:
        assert (await here.ask(head(f"GET /acme{target} HTTP/1.1"))).status == 200
        wanted = target if target.startswith("/") else f"/{target}"
        assert here.upstream.seen[0].line == f"GET {wanted} HTTP/1.1".encode()


async def test_the_absolute_form_of_our_own_address_is_served() -> None:
    async with world() as here:
        reply = await here.ask(head("GET http://PAYSLUICE/acme/x?y=1 HTTP/1.1"))
        assert reply.status == 200
        assert here.upstream.seen[0].line == b"GET /x?y=1 HTTP/1.1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_handed_back_and_never_followed(status: int) -> None:
    async with world(answer(status, headers=[("Location", "/elsewhere")])) as here:
        reply = await here.ask(post())
        assert (reply.status, reply.header("Location")) == (status, "/elsewhere")
        assert here.upstream.requests == 1


async def test_an_answer_without_a_type_is_given_none() -> None:
    async with world(answer(body=b"x")) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1"))
        assert reply.header("Content-Type") is None
        assert reply.header("Server") is None


async def test_a_date_of_the_providers_is_kept() -> None:
    date = "Tue, 15 Nov 1994 08:12:31 GMT"
    async with world(answer(headers=[("Date", date)])) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1"))
        assert [value for name, value in reply.headers if name == b"Date"] == [date.encode()]


async def test_a_part_of_a_resource_comes_as_it_is() -> None:
    fields = [("Content-Range", "bytes 0-1/4"), ("Accept-Ranges", "bytes")]
    async with world(answer(206, b"ab", fields)) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1", "Range: bytes=0-1"))
        assert (reply.status, reply.body) == (206, b"ab")
        assert reply.header("Content-Range") == "bytes 0-1/4"
        assert here.upstream.seen[0].values(b"range") == [b"bytes=0-1"]


async def test_interim_answers_are_dropped() -> None:
    early = send(
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    )
    async with world(early) as here:
        assert (await here.ask(head("GET /acme/x HTTP/1.1"))).status == 200


async def test_a_caller_who_left_before_the_answer_does_not_cut_the_payment() -> None:
    go = asyncio.Event()

    async def late(connected: raw.Connected) -> None:
        await go.wait()
        await answer()(connected)

    async with world(late) as here:
        async with caller(here.proxy.port) as one:
            await one.send(post("Content-Length: 2", body=b"{}"))
            await here.upstream.arrived.wait()
        go.set()
        assert (await here.proxy.ask("GET", "/acme/alive")).status == 200
        assert here.upstream.requests == 2


# --- anything at all

REQUEST = (
    head(
        "POST /acme/payments HTTP/1.1",
        "Connection: close",
        "Content-Type: application/json",
        "Idempotency-Key: key-1",
        "Content-Length: 16",
    )
    + b'{"amount": 1000}'
)
CHUNKED = (
    head("POST /acme/payments?x=1 HTTP/1.1", "Connection: close", "Transfer-Encoding: chunked")
    + b"5\r\nhello\r\n0\r\n\r\n"
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Give a sound request with a few bytes changed, left out, doubled or put in."""
    request = bytearray(draw(st.sampled_from([REQUEST, CHUNKED])))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(request) - 1))
        piece = draw(st.binary(max_size=4) | st.sampled_from([b"\r\n", b":", b" ", b"\0", b"%2e"]))
        length = draw(st.integers(0, 6))
        request[place : place + length] = piece * draw(st.integers(1, 3))
    return bytes(request)


async def probe(proxy: Sidecar, request: bytes) -> None:
    """Send *request*; whatever comes is an answer, an envelope, or the end of the connection."""
    async with caller(proxy.port) as one:
        await one.send(request)
        try:
            data = await one.rest()
        except ConnectionResetError:
            return
    if not data:
        return
    reply = read_reply(data)
    assert reply.is_whole
    assert reply.status in {100, 200} or sound_envelope(reply)["attempts"] == 0


def test_whatever_bytes_come_the_next_request_is_served() -> None:
    quick = {"header_timeout": "20ms", "body_timeout": "20ms", "idle_timeout": "20ms"}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        here = runner.run(stack.enter_async_context(world(callers=quick)))

        @settings(
            max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(mutated() | st.binary(min_size=1, max_size=200))
        def survives(request: bytes) -> None:
            runner.run(probe(here.proxy, request))

        try:
            survives()
            reply = runner.run(here.proxy.ask("GET", "/acme/alive"))
            assert reply.status == 200
            assert here.upstream.seen[-1].line == b"GET /alive HTTP/1.1"
            assert "fault_occurred" not in here.proxy.log.getvalue()
        finally:
            runner.run(stack.aclose())
