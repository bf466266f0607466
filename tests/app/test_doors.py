"""Where a whole sidecar listens, and how it goes out: many addresses, TLS, an egress proxy."""

import asyncio
import json
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.app import StartError
from proxy.listener.server import tls_for_callers
from proxy.listener.settings import ListenTlsSettings
from tests.support.caller import head
from tests.support.egress import EgressProxy
from tests.support.log import lines
from tests.support.raw import RawProvider, answer
from tests.support.sidecar import Sidecar, provider, read_reply, sidecar

GET = head("GET /x HTTP/1.1", "Connection: close")


async def ask(port: int, raw: bytes, tls: ssl.SSLContext | None = None) -> int:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
    )
    try:
        writer.write(raw)
        return read_reply(await reader.read()).status
    finally:
        writer.close()


def port_of(proxy: Sidecar, place: int) -> int:
    return proxy.app.addresses[place].port


async def test_an_address_of_a_providers_own_is_mounted_at_its_root() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        RawProvider([answer()]) as other,
        sidecar(
            {
                "acme": provider(upstream.port, listen="127.0.0.1:0"),
                "other": provider(other.port, listen="127.0.0.1:0"),
            }
        ) as proxy,
    ):
        assert await ask(port_of(proxy, 1), GET) == 200
        assert await ask(port_of(proxy, 2), GET) == 200
        assert await ask(port_of(proxy, 1), GET.replace(b"/x", b"/other/x")) == 200
        assert [seen.line for seen in upstream.seen] == [
            b"GET /x HTTP/1.1",
            b"GET /other/x HTTP/1.1",
        ]
        assert [seen.line for seen in other.seen] == [b"GET /x HTTP/1.1"]
        assert await ask(port_of(proxy, 1), GET.replace(b"/x", b"/_paysluice/x")) == 404
        assert await ask(port_of(proxy, 0), GET.replace(b"/x", b"/acme/x")) == 200
        assert await ask(port_of(proxy, 0), GET) == 404


async def test_a_providers_own_address_may_be_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "acme.sock"
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port, listen=f"unix:{path}")}),
    ):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(GET)
        assert read_reply(await reader.read()).status == 200
        writer.close()
    assert not path.exists()


async def test_every_address_is_told_at_the_start_and_many_serve_at_once() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar(
            {"acme": provider(upstream.port, listen="127.0.0.1:0")},
            listen=["127.0.0.1:0", "[::1]:0"],
        ) as proxy,
    ):
        told = [str(address) for address in proxy.app.addresses]
        assert [text.rpartition(":")[0] for text in told] == ["127.0.0.1", "[::1]", "127.0.0.1"]
        assert len({address.port for address in proxy.app.addresses}) == 3
        raw = GET.replace(b"/x", b"/acme/x")
        reader, writer = await asyncio.open_connection("::1", port_of(proxy, 1))
        writer.write(raw)
        assert read_reply(await reader.read()).status == 200
        writer.close()
        assert await asyncio.gather(*(ask(port_of(proxy, 0), raw) for _ in range(5))) == [200] * 5


@pytest.mark.item(22)
async def test_callers_may_come_over_tls_and_not_without_it(tmp_path: Path) -> None:
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    own.cert_chain_pems[0].write_to_path(cert)
    own.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    ours = tls_for_callers(ListenTlsSettings(cert=str(cert), key=str(key)))
    assert ours.minimum_version is ssl.TLSVersion.TLSv1_2
    async with (
        RawProvider([answer()]) as upstream,
        sidecar(
            {"acme": provider(upstream.port, listen="127.0.0.1:0")},
            listen_tls={"cert": str(cert), "key": str(key)},
        ) as proxy,
    ):
        assert await ask(port_of(proxy, 1), GET, context) == 200
        whole = head(f"GET https://localhost:{proxy.port}/acme/x HTTP/1.1", "Connection: close")
        assert await ask(proxy.port, whole, context) == 200
        assert await ask(proxy.port, whole.replace(b"https", b"http"), context) == 400
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(GET)
        assert b"HTTP/1.1 200" not in await reader.read()
        writer.close()


async def test_a_certificate_for_callers_that_is_none_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(StartError, match=r"cannot start: listen_tls: "):
        async with sidecar(
            {"sim": {"base_url": "simulator"}},
            listen_tls={"cert": str(empty), "key": str(empty)},
        ):
            raise AssertionError  # pragma: no cover


async def test_a_caller_that_never_ends_its_handshake_is_cut_off(tmp_path: Path) -> None:
    authority = trustme.CA()
    own = authority.issue_cert("localhost").private_key_and_cert_chain_pem
    both = tmp_path / "own.pem"
    own.write_to_path(both)
    async with (
        sidecar(
            {"sim": {"base_url": "simulator"}},
            listen_tls={"cert": str(both), "key": str(both)},
            callers={"header_timeout": "50ms"},
        ) as proxy,
        asyncio.timeout(5),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"\x16\x03\x01")
        assert await reader.read() == b""
        writer.close()


@pytest.mark.item(52)
async def test_a_provider_is_reached_through_an_egress_proxy_whose_password_nobody_sees() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        EgressProxy(to=upstream.port) as egress,
        sidecar(
            {
                "acme": {
                    "base_url": "http://api.provider.test",
                    "allow_plaintext": True,
                    "egress_proxy": f"http://us%65r:${{env:PASSWORD}}@127.0.0.1:{egress.port}",
                },
                "sim": {"base_url": "simulator", "egress_proxy": "http://nobody.test:1"},
            },
            environ={"PASSWORD": "p%40ss:word"},
        ) as proxy,
    ):
        assert (await proxy.ask("GET", "/acme/x")).status == 200
        assert (await proxy.ask("POST", "/sim/payments")).header("Server") == "simulator"
        assert egress.heads[0].startswith(b"CONNECT api.provider.test:80 HTTP/1.1\r\n")
        # user:p@ss:word
        assert b"\r\nProxy-Authorization: Basic dXNlcjpwQHNzOndvcmQ=\r\n" in egress.heads[0]
        assert upstream.seen[0].values(b"Host") == [b"api.provider.test"]
        assert "p%40ss" not in proxy.log.getvalue() + str(proxy.app.settings)


async def test_an_egress_proxy_that_says_no_is_named_in_the_log() -> None:
    async with (
        EgressProxy(b"HTTP/1.1 407 Authenticate\r\n\r\n") as egress,
        sidecar(
            {
                "acme": {
                    "base_url": "https://api.provider.test",
                    "egress_proxy": f"http://127.0.0.1:{egress.port}",
                    "retry": {"max_attempts": 1},
                }
            }
        ) as proxy,
    ):
        reply = await proxy.ask("POST", "/acme/x", body=b"{}")
        assert reply.status == 502
        assert json.loads(reply.body)["outcome"] == "not_sent"
        assert "error=connection_refused" in str(reply.header("Proxy-Status"))
        told = lines(proxy, "tunnel_refused")[0]
        assert (told["provider"], told["status"]) == ("acme", 407)
