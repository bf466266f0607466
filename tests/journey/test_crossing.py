"""What crosses a sidecar byte for byte, both ways, and what stays behind."""

import gzip

import pytest

from tests.support.caller import caller, head
from tests.support.raw import answer, send
from tests.support.world import post, world

# --- answers without a body


@pytest.mark.item(57)
async def test_head_has_the_fields_of_a_get_and_no_body() -> None:
    head_only = send(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: x\r\n\r\n")
    async with world(head_only) as here, caller(here.proxy.port) as one:
        for _ in range(2):
            await one.send(head("HEAD /acme/x HTTP/1.1"))
            reply = await one.answer(is_head=True)
            assert (reply.status, reply.header("Content-Length")) == (200, "1234")
            assert reply.header("Transfer-Encoding") is None


@pytest.mark.item(57)
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


@pytest.mark.item(57)
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


@pytest.mark.item(25, 45, 46)
async def test_fields_keep_their_order_their_case_and_their_repeats() -> None:
    fields = ["X-Dup: a", "x-dup: b", "X-DUP: c", "X-dup: a", "x-ODD-case: 1", "Cookie: a=1"]
    async with world() as here:
        await here.ask(head("GET /acme/x HTTP/1.1", *fields))
        seen = here.upstream.seen[0].head.decode().split("\r\n")
        assert seen[0] == "GET /x HTTP/1.1"
        assert seen[1] == f"Host: 127.0.0.1:{here.upstream.port}"
        assert seen[2:] == [*fields, "Via: 1.1 paysluice"]


@pytest.mark.item(46)
async def test_a_request_goes_on_with_nothing_that_its_caller_did_not_send() -> None:
    async with world() as here:
        await here.ask(head("POST /acme/x HTTP/1.1"))
        names = [name for name, _ in here.upstream.seen[0].fields]
        assert names == [b"Host", b"Via", b"Content-Length"]


@pytest.mark.item(42, 51)
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
        "Paysluice-Timeout: 8s",
        "Paysluice-Anything: x",
        "X-Kept: yes",
    ]
    async with world() as here:
        assert (await here.ask(head("GET /acme/x HTTP/1.1", *fields))).status == 200
        names = [name for name, _ in here.upstream.seen[0].fields]
        assert names == [b"Host", b"X-Kept", b"Via"]


@pytest.mark.item(42, 45)
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


@pytest.mark.item(47)
async def test_bytes_beyond_ascii_in_a_field_are_opaque_both_ways() -> None:
    async with world(answer(headers=[("X-Name", "caf\xe9 \xff")])) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1", "X-Name: caf\xe9 \xff"))
        assert here.upstream.seen[0].values(b"x-name") == [b"caf\xe9 \xff"]
        assert (b"X-Name", b"caf\xe9 \xff") in reply.headers


@pytest.mark.item(48)
async def test_a_control_character_in_an_answer_never_costs_the_success() -> None:
    charged = send(b"HTTP/1.1 201 Created\r\nX-Odd: a\x01b\x7f\r\nContent-Length: 2\r\n\r\n{}")
    async with world(charged) as here:
        reply = await here.ask(post())
        assert (reply.status, reply.header("X-Odd"), reply.body) == (201, "a b ", b"{}")


@pytest.mark.item(36, 38)
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


@pytest.mark.item(37)
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


@pytest.mark.item(20)
@pytest.mark.parametrize("target", TARGETS)
async def test_a_target_goes_on_byte_for_byte(target: str) -> None:
    async with world() as here:
        assert (await here.ask(head(f"GET /acme{target} HTTP/1.1"))).status == 200
        wanted = target if target.startswith("/") else f"/{target}"
        assert here.upstream.seen[0].line == f"GET {wanted} HTTP/1.1".encode()


@pytest.mark.item(22)
@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST"])
async def test_the_absolute_form_of_our_own_address_is_served(host: str) -> None:
    async with world() as here:
        line = f"GET http://{host}:{here.proxy.port}/acme/x?y=1 HTTP/1.1"
        reply = await here.ask(head(line, host="ignored.test"))
        assert reply.status == 200
        assert here.upstream.seen[0].line == b"GET /x?y=1 HTTP/1.1"


@pytest.mark.item(7)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_handed_back_and_never_followed(status: int) -> None:
    async with world(answer(status, headers=[("Location", "/elsewhere")])) as here:
        reply = await here.ask(post())
        assert (reply.status, reply.header("Location")) == (status, "/elsewhere")
        assert here.upstream.requests == 1


@pytest.mark.item(53, 54)
async def test_an_answer_without_a_type_is_given_none() -> None:
    async with world(answer(body=b"x")) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1"))
        assert reply.header("Content-Type") is None
        assert reply.header("Server") is None


@pytest.mark.item(59)
async def test_a_date_of_the_providers_is_kept() -> None:
    date = "Tue, 15 Nov 1994 08:12:31 GMT"
    async with world(answer(headers=[("Date", date)])) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1"))
        assert [value for name, value in reply.headers if name == b"Date"] == [date.encode()]


@pytest.mark.item(60)
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
