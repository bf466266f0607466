"""Header fields: those of a hop stop here, the rest cross as they came, and none is made up."""

from pathlib import Path

import pytest

from tests.conformance.refusing import malformed
from tests.support.caller import caller, head
from tests.support.egress import EgressProxy
from tests.support.raw import RawProvider, answer, send
from tests.support.sidecar import provider, sidecar
from tests.support.world import post, world

GET = "GET /acme/x HTTP/1.1"


@pytest.mark.item(42)
async def test_a_caller_that_closes_does_not_close_our_connection_to_the_provider() -> None:
    async with world() as here:
        for _ in range(3):
            reply = await here.ask(head(GET, "Connection: close", "Keep-Alive: timeout=1"))
            assert (reply.status, reply.header("Connection")) == (200, "close")
        assert here.upstream.connections == 1
        assert not any(seen.values(b"connection") for seen in here.upstream.seen)


@pytest.mark.item(42)
async def test_a_provider_that_closes_does_not_close_our_connection_to_the_caller() -> None:
    closes = answer(headers=[("Connection", "close, X-Named"), ("X-Named", "1")], keep=False)
    async with world(closes) as here, caller(here.proxy.port) as one:
        for _ in range(2):
            await one.send(head(GET))
            reply = await one.answer()
            assert (reply.header("Connection"), reply.header("X-Named")) == (None, None)
        assert here.upstream.connections == 2


@pytest.mark.item(42)
async def test_connection_is_read_over_all_its_lines_whatever_their_case() -> None:
    named = ("X-One: 1", "x-two: 2", "X-Kept: 3", "X-THREE: 4")
    lines = ("Connection: ,x-ONE ,, close", "CONNECTION:X-Two", "connection: \tx-three\t")
    async with world() as here:
        assert (await here.ask(head(GET, *lines, *named))).status == 200
        names = [name for name, _ in here.upstream.seen[0].fields]
        assert names == [b"Host", b"X-Kept", b"Via"]


async def test_a_request_pipelined_behind_an_upgrade_is_answered_or_seen_to_be_dropped() -> None:
    asked = head(GET, "Upgrade: h2c", "Connection: Upgrade")
    # `idle_timeout` ends the wait; a connection that is to be closed would have said so.
    async with world(callers={"idle_timeout": "50ms"}) as here, caller(here.proxy.port) as one:
        await one.send(asked + head("GET /acme/next HTTP/1.1"))
        first = await one.answer()
        assert first.status == 200
        if first.header("Connection") != "close":
            assert b"HTTP/1.1 200" in await one.rest()


VITAL = [
    *("Host: paysluice", "Authorization: Bearer x", "Cookie: a=1", "Content-Type: text/plain"),
    *("Content-Length: 0", "Content-Encoding: gzip", "Content-Digest: x", "traceparent: 00-x"),
    *("Idempotency-Key: k", "Idempotence-Key: k", "PayPal-Request-Id: k", "X-Request-Id: k"),
]


@pytest.mark.item(43)
@pytest.mark.parametrize("field", VITAL, ids=lambda field: field.partition(":")[0])
async def test_connection_that_names_what_a_payment_rests_on_is_refused(field: str) -> None:
    name = field.partition(":")[0]
    fields = () if name == "Host" else (field,)
    await malformed(post(f"Connection: keep-alive, {name.upper()}", *fields))


@pytest.mark.item(43)
@pytest.mark.parametrize("sent", ["X-Order-Ref: k", "Idempotency-Key: k", "X-A: b"])
async def test_connection_may_not_name_the_key_field_that_is_configured(sent: str) -> None:
    acme = {"idempotency": {"header": "X-Order-Ref"}}
    await malformed(post("Connection: x-order-REF", sent), acme=acme)


@pytest.mark.item(44)
async def test_a_cookie_of_the_provider_belongs_to_the_caller_that_got_it() -> None:
    fields = [("Set-Cookie", "session=one; Path=/"), ("Set-Cookie", "b=2")]
    async with world(answer(headers=fields)) as here:
        for sent in ([], ["Cookie: own=1"], []):
            reply = await here.ask(head(GET, *sent))
            assert [value for name, value in reply.headers if name == b"Set-Cookie"] == [
                b"session=one; Path=/",
                b"b=2",
            ]
        cookies = [seen.values(b"cookie") for seen in here.upstream.seen]
        assert cookies == [[], [b"own=1"], []]
        assert here.upstream.connections == 1


@pytest.mark.item(45)
@pytest.mark.parametrize("status", [200, 302, 402, 500])
async def test_repeats_of_an_answers_field_keep_their_order_and_their_case(status: int) -> None:
    fields = [
        ("X-Dup", "a"),
        ("Set-Cookie", "a=1; Expires=Tue, 14 Nov 2023 22:30:00 GMT"),
        ("x-dup", "b"),
        ("set-cookie", "b=2"),
        ("X-DUP", "a, c"),
    ]
    async with world(answer(status, headers=fields)) as here:
        reply = await here.ask(post())
        names = {b"x-dup", b"set-cookie"}
        kept = [field for field in reply.headers if field[0].lower() in names]
        assert kept == [(name.encode(), value.encode()) for name, value in fields]


@pytest.mark.item(46)
async def test_a_request_with_a_body_is_given_no_type_no_agent_and_no_codings() -> None:
    for framing, sent in {
        "Content-Length: 2": b"{}",
        "Transfer-Encoding: chunked": b"2\r\n{}\r\n0\r\n\r\n",
    }.items():
        async with world(replay_body="1B") as here:
            await here.ask(head("POST /acme/x HTTP/1.1", framing) + sent)
            fields = here.upstream.seen[0].head.decode().split("\r\n")[1:]
            host = f"Host: 127.0.0.1:{here.upstream.port}"
            assert fields == [host, "Via: 1.1 paysluice", framing]


@pytest.mark.item(47)
@pytest.mark.parametrize("status", [200, 500])
async def test_every_byte_beyond_ascii_crosses_in_a_field_both_ways(status: int) -> None:
    value = bytes(range(0x80, 0x100)).decode("latin-1")
    async with world(answer(status, headers=[("X-Name", value)])) as here:
        reply = await here.ask(post(f"X-Name: {value}"))
        assert here.upstream.seen[0].values(b"x-name") == [value.encode("latin-1")]
        assert reply.header("X-Name") == value


@pytest.mark.item(48)
async def test_no_control_in_an_answers_field_or_reason_costs_the_success() -> None:
    controls = sorted({*range(0x20), 0x7F} - set(b"\t\r\n"))
    steps = [
        send(b"HTTP/1.1 201 O%bK\r\nX-Odd: a%bb\r\nContent-Length: 2\r\n\r\n{}" % (odd, odd))
        for odd in (bytes([control]) for control in controls)
    ]
    async with world(*steps) as here, caller(here.proxy.port) as one:
        for _ in controls:
            await one.send(post())
            reply = await one.answer()
            assert (reply.status, reply.header("X-Odd"), reply.body) == (201, "a b", b"{}")


@pytest.mark.item(48)
async def test_a_bare_cr_in_an_answers_field_is_a_space_and_splits_nothing() -> None:
    split = send(b"HTTP/1.1 201 OK\r\nX-A: a\rX-B: b\r\nContent-Length: 2\r\n\r\n{}")
    async with world(split) as here:
        reply = await here.ask(post())
        assert (reply.status, reply.body) == (201, b"{}")
        assert (reply.header("X-A"), reply.header("X-B")) == ("a X-B: b", None)


@pytest.mark.item(49)
@pytest.mark.parametrize("sent", [["Via:"], ["Via: ,"], ["Via: 1.0 a", "Via:"]], ids=str)
async def test_an_empty_via_leaves_no_empty_member_before_ours(sent: list[str]) -> None:
    async with world() as here:
        assert (await here.ask(head(GET, *sent))).status == 200
        (via,) = here.upstream.seen[0].values(b"via")
        assert all(member.strip() for member in via.split(b","))


@pytest.mark.item(51)
async def test_what_describes_the_pod_is_not_passed_to_the_provider() -> None:
    private = [
        *("Forwarded: for=10.0.0.1;host=pod", "X-Forwarded-For: 10.0.0.1", "X-Real-IP: 10.0.0.1"),
        *("x-forwarded-host: app.internal", "X-FORWARDED-PROTO: http", "X-Forwarded-Port: 80"),
        *("X-Forwarded-Prefix: /a", "X-Forwarded-Client-Cert: By=spiffe://pod"),
        *("X-Client-IP: 10.0.0.1", "True-Client-IP: 10.0.0.1", "X-Cluster-Client-IP: 10.0.0.1"),
        *("X-Envoy-Original-Path: /a", "Paysluice-Retry: off", "paysluice-internal: 1"),
    ]
    async with world() as here:
        assert (await here.ask(head(GET, *private))).status == 200
        assert [name for name, _ in here.upstream.seen[0].fields] == [b"Host", b"Via"]


@pytest.mark.item(52)
async def test_the_environment_sets_no_proxy_and_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password pass\ndefault login u password p\n")
    netrc.chmod(0o600)
    async with EgressProxy() as trap, RawProvider([answer()]) as upstream:
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("no_proxy", "")
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://user:pass@127.0.0.1:{trap.port}")
        async with sidecar({"acme": provider(upstream.port)}) as proxy:
            assert (await proxy.ask("GET", "/acme/x")).status == 200
        assert trap.heads == []
        assert [name for name, _ in upstream.seen[0].fields] == [b"Host", b"Via"]


@pytest.mark.item(53, 54)
async def test_an_answer_gets_no_field_of_ours_but_those_that_are_documented() -> None:
    for body in (b"x", b"x" * 200_000):
        async with world(answer(body=body)) as here:
            reply = await here.ask(head(GET))
            assert [name.decode() for name, _ in reply.headers] == [
                "Paysluice-Request-Id",
                "Paysluice-Attempts",
                "Date",
                "Content-Length",
            ]


@pytest.mark.item(53)
async def test_the_providers_server_field_is_the_only_one_a_caller_sees() -> None:
    acme = [("Server", "acme")]
    async with world(answer(headers=acme), answer(500, headers=acme), answer(500)) as here:
        for server in ("acme", "acme", None):
            assert (await here.ask(post())).header("Server") == server
        refused = await here.ask(b"no request\r\n\r\n")
        assert (refused.status, refused.header("Server")) == (400, None)
