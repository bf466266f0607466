"""TLS to a provider: who is verified and how, and that a failure of it sent nothing."""

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from proxy.attempt.settings import TlsSettings
from proxy.terms import Answered, Delivery, Effect, Failed, ProxyError
from tests.attempt import conftest
from tests.attempt.conftest import MakeLeg
from tests.support.caller import sound_envelope
from tests.support.raw import Connected, RawProvider, answer, send
from tests.support.sidecar import provider, sidecar

leg = conftest.leg

NOT_SENT = (Delivery.NONE, Effect.NONE)
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
TLS_FAILED = {ProxyError.TLS_ALERT_RECEIVED, ProxyError.TLS_PROTOCOL_ERROR}
# RFC 8446 section 6: a record of type alert that says fatal, handshake_failure.
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


CERTIFICATES: dict[str, Callable[[trustme.CA], trustme.LeafCert]] = {
    "self_signed": lambda _: trustme.CA().issue_cert("localhost"),
    "another_name": lambda ca: ca.issue_cert("provider.example"),
    "an_address": lambda ca: ca.issue_cert("127.0.0.1"),
    "a_wildcard_too_short": lambda ca: ca.issue_cert("*.localhost"),
    "expired": lambda ca: ca.issue_cert("localhost", not_before=NOW - 9 * DAY, not_after=NOW - DAY),
    "not_yet_valid": lambda ca: ca.issue_cert(
        "localhost", not_before=NOW + DAY, not_after=NOW + 9 * DAY
    ),
}


@pytest.mark.item(8, 78, 80, 117)
@pytest.mark.parametrize("name", CERTIFICATES)
async def test_a_certificate_that_does_not_hold_is_502_and_not_tried_again(
    name: str, authority: trustme.CA, ca: str
) -> None:
    async with RawProvider([answer()], tls=serving(CERTIFICATES[name](authority))) as upstream:
        settings = provider(0, base_url=f"https://localhost:{upstream.port}", tls={"ca": ca})
        async with sidecar({"acme": settings}) as proxy:
            reply = await proxy.ask("POST", "/acme/payments", {}, b"{}")
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (502, "connection_failed")
        assert reply.header("Proxy-Status") == "paysluice; error=tls_certificate_error"
        assert (envelope["outcome"], envelope["retryable"]) == ("not_sent", False)
        assert envelope["attempts"] == 1
        assert (upstream.requests, upstream.bytes_seen) == (0, 0)


@pytest.mark.item(117)
async def test_a_common_name_is_not_the_name_of_the_provider(
    leg: MakeLeg, authority: trustme.CA, ca: str
) -> None:
    # RFC 9110 section 4.3.4: a reference identity of type CN-ID MUST NOT be used by clients.
    async with (
        RawProvider(
            [answer()], tls=serving(authority.issue_cert(common_name="localhost"))
        ) as upstream,
        leg(upstream.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.TLS_CERTIFICATE_ERROR
        assert upstream.requests == 0


@pytest.mark.item(117)
async def test_by_default_only_what_the_system_trusts_is_trusted(leg: MakeLeg) -> None:
    certificate = trustme.CA().issue_cert("localhost")
    async with (
        RawProvider([answer()], tls=serving(certificate)) as upstream,
        leg(upstream.port, host="localhost", tls=TlsSettings()) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.TLS_CERTIFICATE_ERROR
        assert (outcome.delivery, outcome.effect) == NOT_SENT


@pytest.mark.item(117)
async def test_a_provider_that_speaks_no_more_than_tls_1_1_is_refused(
    leg: MakeLeg, authority: trustme.CA, ca: str
) -> None:
    context = serving(authority.issue_cert("localhost"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with (
        RawProvider([answer()], tls=context) as upstream,
        leg(upstream.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason in TLS_FAILED
        assert (outcome.delivery, outcome.effect) == NOT_SENT
        assert upstream.bytes_seen == 0


@pytest.mark.item(117)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_spoken(
    leg: MakeLeg, authority: trustme.CA, ca: str, version: ssl.TLSVersion
) -> None:
    context = serving(authority.issue_cert("localhost"))
    context.minimum_version = context.maximum_version = version
    async with (
        RawProvider([answer()], tls=context) as upstream,
        leg(upstream.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        assert isinstance(await one.send(), Answered)


@pytest.mark.item(8)
async def test_an_alert_in_the_handshake_is_named_and_nothing_was_sent(
    leg: MakeLeg, ca: str
) -> None:
    read = bytearray()

    async def alert(connected: Connected) -> None:
        read.extend(await connected.reader.read(4096))
        await send(ALERT)(connected)
        read.extend(await connected.reader.read())

    async with (
        RawProvider([answer()], before_read=alert) as upstream,
        leg(upstream.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.TLS_ALERT_RECEIVED
        assert (outcome.delivery, outcome.effect) == NOT_SENT
        assert read[0] == 0x16  # the handshake
        assert b"HTTP" not in read


@pytest.mark.item(8)
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_a_handshake_that_is_cut_off_sent_nothing(
    leg: MakeLeg, ca: str, *, reset: bool
) -> None:
    async def cut(connected: Connected) -> None:
        await connected.reader.read(1)
        await send(b"", keep=False, reset=reset)(connected)

    async with (
        RawProvider([answer()], before_read=cut) as upstream,
        leg(upstream.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.TLS_PROTOCOL_ERROR
        assert (outcome.delivery, outcome.effect) == NOT_SENT


MUTUAL = {
    # Refused within the handshake: nothing was handed over.
    "1.2": (ssl.TLSVersion.TLSv1_2, TLS_FAILED, NOT_SENT),
    # Refused after it (RFC 8446 section 4.4.2.4), when the request was handed over: read or not,
    # nobody here can tell.
    "1.3": (
        ssl.TLSVersion.TLSv1_3,
        {ProxyError.TLS_ALERT_RECEIVED, ProxyError.CONNECTION_TERMINATED},
        (Delivery.COMPLETE, Effect.UNKNOWN),
    ),
}


@pytest.mark.item(8)
@pytest.mark.parametrize("shown", ["nothing", "of_another_authority"])
@pytest.mark.parametrize("version", MUTUAL)
async def test_a_client_certificate_that_is_refused_sent_nothing_where_that_is_sure(
    leg: MakeLeg, authority: trustme.CA, ca: str, tmp_path: Path, version: str, shown: str
) -> None:
    tls_version, reasons, proof = MUTUAL[version]
    context = serving(authority.issue_cert("localhost"))
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    context.minimum_version = context.maximum_version = tls_version
    settings = TlsSettings(ca=ca)
    if shown != "nothing":
        own = trustme.CA().issue_cert("sidecar.example")
        both = tmp_path / "own.pem"
        own.private_key_and_cert_chain_pem.write_to_path(str(both))
        settings = TlsSettings(ca=ca, cert=str(both), key=str(both))
    async with (
        RawProvider([answer()], tls=context) as upstream,
        leg(upstream.port, host="localhost", tls=settings) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason in reasons
        assert (outcome.delivery, outcome.effect) == proof
        assert (upstream.requests, upstream.bytes_seen) == (0, 0)


@pytest.mark.item(117)
async def test_an_answer_that_a_reset_ended_under_tls_is_cut(
    leg: MakeLeg, authority: trustme.CA, ca: str
) -> None:
    whole = b"HTTP/1.1 200 OK\r\n\r\n{}"
    context = serving(authority.issue_cert("localhost"))
    async with (
        RawProvider([send(whole, reset=True)], tls=context) as upstream,
        leg(upstream.port, host="localhost", tls=TlsSettings(ca=ca)) as one,
    ):
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert outcome.reason is ProxyError.HTTP_RESPONSE_INCOMPLETE
        assert outcome.effect is Effect.UNKNOWN
