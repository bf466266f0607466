"""Through an HTTP proxy to the provider: what it is asked, and what its answers mean."""

import ssl
from pathlib import Path

import pytest
import trustme

from proxy.attempt import TlsSettings
from proxy.attempt.tunnel import MAX_ANSWER_BYTES, Tunnel
from proxy.terms import Answered, Delivery, Failed, ProxyError
from tests.attempt.conftest import MakeLeg
from tests.support.egress import OPENED, EgressProxy
from tests.support.raw import RawProvider, answer

HOST = "api.provider.test"  # no resolver knows it: only the proxy is asked for it


def tunnel(
    proxy: EgressProxy, told: list[int] | None = None, credentials: bytes | None = None
) -> Tunnel:
    told = [] if told is None else told
    return Tunnel("127.0.0.1", proxy.port, lambda: credentials, told.append)


@pytest.mark.item(25)
async def test_a_provider_is_reached_through_the_proxy_by_its_name(leg: MakeLeg) -> None:
    async with (
        RawProvider([answer()]) as upstream,
        EgressProxy(to=upstream.port) as proxy,
        leg(8443, host=HOST, tunnel=tunnel(proxy)) as here,
    ):
        first, second = await here.send(), await here.send()
        assert isinstance(first, Answered)
        assert isinstance(second, Answered)
        assert proxy.heads == [
            b"CONNECT api.provider.test:8443 HTTP/1.1\r\nHost: api.provider.test:8443\r\n\r\n"
        ]
        assert upstream.seen[0].values(b"Host") == [b"api.provider.test:8443"]
        assert not upstream.seen[0].values(b"Proxy-Authorization")


@pytest.mark.item(117)
async def test_the_provider_not_the_proxy_is_verified(leg: MakeLeg, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    async with (
        RawProvider([answer()], tls=context) as upstream,
        EgressProxy(to=upstream.port) as proxy,
    ):
        async with leg(443, host=HOST, tls=TlsSettings(ca=str(ca)), tunnel=tunnel(proxy)) as here:
            assert isinstance(await here.send(), Answered)
        async with leg(
            443, host="other.test", tls=TlsSettings(ca=str(ca)), tunnel=tunnel(proxy)
        ) as here:
            outcome = await here.send()
            assert isinstance(outcome, Failed)
            assert outcome.reason is ProxyError.TLS_CERTIFICATE_ERROR
        assert upstream.requests == 1


async def test_credentials_are_for_the_proxy_only(leg: MakeLeg) -> None:
    async with (
        RawProvider([answer()]) as upstream,
        EgressProxy(to=upstream.port) as proxy,
        leg(8443, host=HOST, tunnel=tunnel(proxy, credentials=b"Basic dTpw")) as here,
    ):
        await here.send()
        assert b"\r\nProxy-Authorization: Basic dTpw\r\n" in proxy.heads[0]
        assert b"dTpw" not in upstream.seen[0].head


@pytest.mark.item(8)
@pytest.mark.parametrize(
    ("says", "reason", "told"),
    [
        (b"HTTP/1.1 407 Authenticate\r\n\r\n", ProxyError.CONNECTION_REFUSED, [407]),
        (b"HTTP/1.1 403\r\nX: y\r\n\r\nno", ProxyError.CONNECTION_REFUSED, [403]),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", ProxyError.CONNECTION_REFUSED, [502]),
        (b"HTTP/1.1 599 ?\r\n\r\n", ProxyError.CONNECTION_REFUSED, [599]),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", ProxyError.CONNECTION_TIMEOUT, [504]),
        (b"SSH-2.0-OpenSSH\r\n\r\n", ProxyError.HTTP_PROTOCOL_ERROR, []),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", ProxyError.HTTP_PROTOCOL_ERROR, []),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * 2 * MAX_ANSWER_BYTES, "header_size", []),
        (b"HTTP/1.1 200", ProxyError.CONNECTION_TERMINATED, []),
    ],
    ids=["407", "403", "502", "599", "504", "no_http", "speaks_first", "endless", "cut"],
)
async def test_no_tunnel_is_nothing_sent(
    leg: MakeLeg, says: bytes, reason: ProxyError | str, told: list[int]
) -> None:
    heard: list[int] = []
    async with (
        EgressProxy(says) as proxy,
        leg(8443, host=HOST, tunnel=tunnel(proxy, heard)) as here,
    ):
        outcome = await here.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason.endswith(reason)
        assert outcome.delivery is Delivery.NONE
        assert heard == told


async def test_an_interim_answer_is_not_the_last_word(leg: MakeLeg) -> None:
    async with (
        RawProvider([answer()]) as upstream,
        EgressProxy(b"HTTP/1.1 100 Continue\r\n\r\n" + OPENED, to=upstream.port) as proxy,
        leg(8443, host=HOST, tunnel=tunnel(proxy)) as here,
    ):
        assert isinstance(await here.send(), Answered)


async def test_a_proxy_that_does_not_answer_is_given_up_in_the_time_of_a_connection(
    leg: MakeLeg,
) -> None:
    async with (
        EgressProxy(b"") as proxy,
        leg(8443, host=HOST, tunnel=tunnel(proxy), connect="50ms") as here,
    ):
        outcome = await here.send()
        assert isinstance(outcome, Failed)
        assert (outcome.reason, outcome.delivery) == (ProxyError.CONNECTION_TIMEOUT, Delivery.NONE)


async def test_an_address_of_ipv6_stands_in_brackets(leg: MakeLeg) -> None:
    async with (
        EgressProxy(b"HTTP/1.1 403 No\r\n\r\n") as proxy,
        leg(8443, host="::1", tunnel=tunnel(proxy)) as here,
    ):
        await here.send()
        assert proxy.heads[0].startswith(b"CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n")
