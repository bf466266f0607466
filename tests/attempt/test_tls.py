"""TLS to a provider: verified, at least 1.2, and every failure sent nothing."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.attempt.settings import TlsSettings
from proxy.terms import Answered, Delivery, Effect, Failed, ProxyError
from tests.support import raw
from tests.support.raw import RawProvider, answer

from .conftest import MakeLeg


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def server(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_a_verified_provider_is_spoken_to_over_tls_and_the_connection_is_kept(
    leg: MakeLeg, authority: trustme.CA, ca: str
) -> None:
    async with (
        RawProvider([answer()], tls=server(authority, "localhost")) as provider,
        leg(provider.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        for _ in range(2):
            outcome = await one.send()
            assert isinstance(outcome, Answered)
        assert provider.connections == 1


@pytest.mark.item(8, 117)
@pytest.mark.parametrize("case", ["unknown_authority", "wrong_name"])
async def test_a_certificate_that_is_not_verified_is_permanent_and_sent_nothing(
    leg: MakeLeg, authority: trustme.CA, ca: str, case: str
) -> None:
    issuer = trustme.CA() if case == "unknown_authority" else authority
    name = "localhost" if case == "unknown_authority" else "other.example"
    async with (
        RawProvider([answer()], tls=server(issuer, name)) as provider,
        leg(provider.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.TLS_CERTIFICATE_ERROR
        assert not outcome.is_transient
        assert (outcome.delivery, outcome.effect) == (Delivery.NONE, Effect.NONE)
        assert provider.requests == 0


async def test_verify_off_takes_any_certificate(leg: MakeLeg) -> None:
    async with (
        RawProvider([answer()], tls=server(trustme.CA(), "other.example")) as provider,
        leg(provider.port, host="localhost", tls=TlsSettings(verify=False)) as one,
    ):
        assert isinstance(await one.send(), Answered)


@pytest.mark.item(117)
async def test_a_version_below_the_minimum_is_refused(
    leg: MakeLeg, authority: trustme.CA, ca: str
) -> None:
    context = server(authority, "localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with (
        RawProvider([answer()], tls=context) as provider,
        leg(provider.port, host="localhost", tls=TlsSettings(ca=ca, min_version="1.3")) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason in {ProxyError.TLS_ALERT_RECEIVED, ProxyError.TLS_PROTOCOL_ERROR}
        assert outcome.delivery is Delivery.NONE


@pytest.mark.item(8)
async def test_a_server_that_speaks_no_tls_is_a_protocol_error(leg: MakeLeg, ca: str) -> None:
    async with (
        RawProvider([raw.close], before_read=raw.send(b"HTTP/1.1 400 Bad\r\n\r\n")) as provider,
        leg(provider.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.TLS_PROTOCOL_ERROR
        assert outcome.delivery is Delivery.NONE


@pytest.mark.item(8, 113)
async def test_a_handshake_that_hangs_is_a_time_out_and_sent_nothing(leg: MakeLeg, ca: str) -> None:
    async def wait(_: raw.Connected) -> None:
        await asyncio.sleep(30)

    async with (
        RawProvider([raw.close], before_read=wait) as provider,
        leg(provider.port, host="localhost", tls=TlsSettings(ca=ca), tls_s="50ms") as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.CONNECTION_TIMEOUT
        assert (outcome.delivery, outcome.effect) == (Delivery.NONE, Effect.NONE)


@pytest.mark.item(8)
async def test_a_client_certificate_is_shown(
    leg: MakeLeg, authority: trustme.CA, ca: str, tmp_path: Path
) -> None:
    context = server(authority, "localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    own = authority.issue_cert("sidecar.example")
    cert, key = tmp_path / "own.pem", tmp_path / "own.key"
    own.cert_chain_pems[0].write_to_path(str(cert))
    own.private_key_pem.write_to_path(str(key))
    async with RawProvider([answer()], tls=context) as provider:
        shown = TlsSettings(ca=ca, cert=str(cert), key=str(key))
        async with leg(provider.port, host="localhost", tls=shown) as one:
            assert isinstance(await one.send(), Answered)
        async with leg(provider.port, host="localhost", tls=TlsSettings(ca=ca)) as one:
            # Under TLS 1.3 the refusal comes after the handshake, when bytes were handed over:
            # nobody can tell, so nobody claims to know (standards E5).
            outcome = await one.send()
            assert isinstance(outcome, Failed)
            assert outcome.reason in {
                ProxyError.TLS_ALERT_RECEIVED,
                ProxyError.CONNECTION_TERMINATED,
            }
            assert outcome.effect is Effect.UNKNOWN
