"""Where a request goes: its target byte for byte, its Host checked, its provider never another."""

import socket

import pytest

from tests.conformance.refusing import malformed
from tests.support.caller import caller, head, sound_envelope
from tests.support.config import faults
from tests.support.log import lines
from tests.support.raw import RawProvider, answer
from tests.support.sidecar import provider, sidecar
from tests.support.world import post, world

ODD = "/%2F%2f%20+%7E%zz//;p=1/a%252e%252e/...?a=b+c%20&x=[1]&u=http://x/../y?&"


@pytest.mark.item(20)
@pytest.mark.parametrize("base", ["", "/api/v1", "/api/v1/", "/a%2Fb"])
async def test_below_the_base_path_a_target_is_not_touched(base: str) -> None:
    async with RawProvider([answer()]) as upstream:
        acme = provider(upstream.port, base_url=f"http://127.0.0.1:{upstream.port}{base}")
        async with sidecar({"acme": acme}) as proxy:
            assert (await proxy.ask("GET", "/acme" + ODD)).status == 200
            wanted = f"GET {base.rstrip('/')}{ODD} HTTP/1.1"
            assert upstream.seen[0].line == wanted.encode()


@pytest.mark.item(20, 21)
@pytest.mark.parametrize(
    "target",
    [
        *("acme/x", "?acme", "#", "paysluice:443", "127.0.0.1:443/acme/x", "*", "."),
        *("/acme/x#y", "/acme/x?y#z", "/\\evil.com/acme/x", "\\acme\\x", "/acme/a b"),
        *("/acme/\0", "/acme/\x01", "/acme/\x7f", "/acme/\xe9", "/acme/x?\xff"),
    ],
    ids=ascii,
)
async def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    await malformed(post(line=f"POST {target} HTTP/1.1"))


@pytest.mark.item(21)
@pytest.mark.parametrize("target", ["//evil.com/x", "///x", "/http://evil.com/x", "/@evil.com"])
async def test_a_path_that_looks_like_another_host_goes_to_its_provider(target: str) -> None:
    async with world(acme={"mount": "/"}) as here:
        assert (await here.ask(head(f"GET {target} HTTP/1.1"))).status == 200
        seen = here.upstream.seen[0]
        assert seen.line == f"GET {target} HTTP/1.1".encode()
        assert seen.values(b"host") == [f"127.0.0.1:{here.upstream.port}".encode()]


CROSSING = {
    "/acme/../other/x": 400,
    "/acme/%2e%2e/other/x": 400,
    "/acme/.%2E/other/x": 400,
    "/acme/..%2fother/x": 400,
    "/acme/x%2F..%2f../other/x": 400,
    "/acme/..;/other/x": 400,
    "/acme/..%3b/other/x": 400,
    "/acme/..%5cother/x": 400,
    "/acme/./x": 400,
    "/acme%2Fx": 404,
    "/%61cme/x": 404,
    "/ACME/x": 404,
    "//acme/x": 404,
}


@pytest.mark.item(23)
@pytest.mark.parametrize("target", CROSSING)
async def test_no_encoding_of_a_path_crosses_from_one_provider_to_another(target: str) -> None:
    async with (
        RawProvider([answer()]) as acme,
        RawProvider([answer()]) as other,
        sidecar({"acme": provider(acme.port), "other": provider(other.port)}) as proxy,
    ):
        reply = await proxy.ask("GET", target)
        assert reply.status == CROSSING[target]
        sound_envelope(reply)
        assert (acme.connections, other.connections) == (0, 0)


@pytest.mark.item(23)
@pytest.mark.parametrize("rest", ["/a%2Fother%2Fx", "/%252e%252e/other/x", "/x?/../other/x"])
async def test_what_is_data_in_a_path_stays_with_its_provider(rest: str) -> None:
    async with (
        RawProvider([answer()]) as acme,
        RawProvider([answer()]) as other,
        sidecar({"acme": provider(acme.port), "other": provider(other.port)}) as proxy,
    ):
        assert (await proxy.ask("GET", "/acme" + rest)).status == 200
        assert acme.seen[0].line == f"GET {rest} HTTP/1.1".encode()
        assert other.connections == 0


HOSTS = [
    *("", " ", "a b", "a\tb", "a, b", "a/b", "a#b", "a?b", "user@a", "http://a", "a\\b"),
    *("a:b", "a:-1", "a:1:2", "[::1", "::1", "[zz]", "caf\xe9", '"a"'),
    *("[:::::::::]", "[1.2.3.4]", "a%zz", "a%2"),
]


@pytest.mark.item(24)
@pytest.mark.parametrize("host", HOSTS, ids=ascii)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_host_that_is_none_is_refused_in_every_version(host: str, version: str) -> None:
    line = f"POST /acme/x HTTP/{version}"
    await malformed(post("Connection: close", line=line, host=host), hidden=b"")


@pytest.mark.item(24)
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND"])
async def test_a_method_that_is_refused_does_not_excuse_an_invalid_host(method: str) -> None:
    await malformed(post(line=f"{method} /acme/x HTTP/1.1", host="a b"))


@pytest.mark.item(24)
@pytest.mark.parametrize("second", ["Host: paysluice", "host: paysluice", "HOST: other", "Host:"])
async def test_a_second_host_is_refused_the_same_or_not(second: str) -> None:
    await malformed(post(second))


@pytest.mark.item(24)
async def test_a_request_without_a_host_is_refused_in_http_1_1_only() -> None:
    await malformed(post(host=None))
    async with world() as here:
        assert (await here.ask(b"GET /acme/x HTTP/1.0\r\n\r\n")).status == 200
        hosts = here.upstream.seen[0].values(b"host")
        assert hosts == [f"127.0.0.1:{here.upstream.port}".encode()]


@pytest.mark.item(26)
@pytest.mark.parametrize(
    "url",
    ["https://hunter2@x.example", "https://user:hunter2@x.example/a", "https://:hunter2@x.example"],
)
def test_a_password_in_a_base_url_is_refused_and_not_shown(url: str) -> None:
    [fault] = faults(f"providers:\n  x:\n    base_url: {url!r}")
    assert "no user or password may stand in it" in fault.message
    assert "hunter2" not in str(fault)


BEYOND = {
    "target": (post(line=f"POST /acme/{'x' * 17_000} HTTP/1.1"), 414),
    "query": (post(line=f"POST /acme/x?{'y' * 17_000} HTTP/1.1"), 414),
    "field": (post("X-A: " + "x" * 66_000), 431),
    "name_of_a_field": (post("X" * 66_000 + ": a"), 431),
    "fields_together": (post(*[f"X-{n}: {'x' * 1_000}" for n in range(70)]), 431),
    "number_of_fields": (post(*[f"X-{n}: a" for n in range(200)]), 431),
}


@pytest.mark.item(27)
@pytest.mark.parametrize("name", BEYOND)
async def test_a_head_beyond_the_default_bounds_is_414_or_431(name: str) -> None:
    request, status = BEYOND[name]
    async with world() as here, caller(here.proxy.port) as one:
        await one.send(request)
        reply = await one.answer()
        assert (reply.status, reply.header("Connection")) == (status, "close")
        assert sound_envelope(reply)["error_code"] == "request_too_large"
        assert await one.rest() == b""
        assert here.upstream.connections == 0


@pytest.mark.item(27)
async def test_a_line_and_fields_of_8000_bytes_are_taken_by_default() -> None:
    target, value = "/acme/" + "x" * 8_000, "y" * 8_000
    async with world() as here:
        reply = await here.ask(head(f"GET {target} HTTP/1.1", f"X-A: {value}"))
        assert reply.status == 200
        assert here.upstream.seen[0].line == f"GET {target[5:]} HTTP/1.1".encode()
        assert here.upstream.seen[0].values(b"x-a") == [value.encode()]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.mark.item(29)
async def test_a_provider_that_is_our_own_address_is_a_loop_of_one_round() -> None:
    port = free_port()
    loop = {"acme": provider(port, base_url=f"http://127.0.0.1:{port}/acme")}
    async with sidecar(loop, listen=f"127.0.0.1:{port}") as proxy:
        reply = await proxy.ask("POST", "/acme/payments", body=b"{}")
        assert "error=proxy_loop_detected" in str(reply.header("Proxy-Status"))
        came_back, asked = lines(proxy, "responded")
        assert (came_back["status"], came_back["attempts"]) == (502, 0)
        assert (asked["attempts"], reply.json["provider"]["status"]) == (1, 502)
