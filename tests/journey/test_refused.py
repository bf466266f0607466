"""What a caller may not send: refused with what says why, closed, never sent on or echoed."""

import asyncio

import pytest

from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import RawProvider, answer
from tests.support.sidecar import provider, sidecar
from tests.support.world import CANARY, POST, post, world

MALFORMED = {
    "no_http": f"hello {CANARY}\r\n\r\n".encode(),
    "http_0_9": f"GET /acme/{CANARY}\r\n\r\n".encode(),
    "http_1_2": post(line=POST.replace("1.1", "1.2")),
    "http_2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no_method": post(line=POST.replace("POST", "PO,ST")),
    "no_target": post(line="BREW HTTP/1.1"),
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
    "asterisk": post(line="POST * HTTP/1.1"),
    "chunk_extension_without_end": post(
        "Transfer-Encoding: chunked", body=b"2;x=" + b"y" * 20_000 + b"\r\n{}\r\n0\r\n\r\n"
    ),
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


@pytest.mark.item(21, 22, 23, 24, 30, 31, 32, 33, 34, 35, 43, 53)
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
    "too_many_trailers": (
        post("Transfer-Encoding: chunked", body=b"0\r\n" + b"X: y\r\n" * 5_000 + b"\r\n"),
        {},
        431,
    ),
}


@pytest.mark.item(27)
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


@pytest.mark.item(27)
@pytest.mark.parametrize("size", [8_000, 16_000])
async def test_a_long_target_within_the_bound_goes_on_whole(size: int) -> None:
    async with world() as here:
        target = "/acme/" + "x" * size
        assert (await here.ask(head(f"GET {target} HTTP/1.1"))).status == 200
        assert here.upstream.seen[0].line == f"GET {target[5:]} HTTP/1.1".encode()


@pytest.mark.item(28, 50)
@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
async def test_connect_and_trace_are_405_with_allow(method: str) -> None:
    target = "paysluice:443" if method == "CONNECT" else "/acme/x"
    async with world() as here:
        reply = await here.ask(head(f"{method} {target} HTTP/1.1"))
        assert reply.status == 405
        assert sound_envelope(reply)["error_code"] == "method_not_allowed"
        assert "POST" in str(reply.header("Allow"))
        assert here.upstream.requests == 0


@pytest.mark.item(28)
@pytest.mark.parametrize("method", ["PROPFIND", "PURGE", "LINK", "BREW", "post", "FOO-bar"])
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


@pytest.mark.item(39)
async def test_a_body_whose_length_is_beyond_max_body_is_413_before_it_is_read() -> None:
    async with world(**LIMIT) as here:
        reply = await here.ask(post("Content-Length: 1025"))
        assert reply.status == 413
        assert sound_envelope(reply)["outcome"] == "not_sent"
        assert here.upstream.requests == 0


@pytest.mark.item(39)
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


@pytest.mark.item(39)
async def test_a_body_of_exactly_max_body_goes_on() -> None:
    async with world(**LIMIT) as here:
        reply = await here.ask(post("Content-Length: 1024", body=b"x" * 1024))
        assert reply.status == 200
        assert here.upstream.seen[0].body == b"x" * 1024


@pytest.mark.item(29)
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


@pytest.mark.item(29)
async def test_a_provider_that_is_a_sidecar_ends_in_one_hop() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as inner,
        sidecar({"acme": provider(inner.port)}) as outer,
    ):
        reply = await outer.ask("POST", "/acme/acme/x")
        assert reply.json["provider"]["code"] == "bad_gateway"
        assert upstream.requests == 0


@pytest.mark.item(35, 41)
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


@pytest.mark.item(70)
@pytest.mark.parametrize("target", ["/nowhere", "/acme/../x"])
async def test_a_refusal_before_a_provider_is_found_is_a_problem_where_one_is_asked_for(
    target: str,
) -> None:
    async with world() as here:
        reply = await here.proxy.ask("GET", target, {"Accept": "application/problem+json"})
        assert reply.header("Content-Type") == "application/problem+json"
        assert reply.json["status"] == reply.status
