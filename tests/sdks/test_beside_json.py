"""What a provider with a JSON API says in its older ones, in the shape that their callers read."""

import pytest

from tests.support.raw import RawProvider, answer
from tests.support.sidecar import provider, sidecar

NVP = (
    b"ACK=Failure&CORRELATIONID=ec641b50c33b0&VERSION=85%2e0&L_ERRORCODE0=10562"
    b"&L_SHORTMESSAGE0=Invalid%20Data&L_LONGMESSAGE0=Enter%20a%20valid%20year%2e"
)
SOAP = (
    b'<?xml version="1.0"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
    b"<DoDirectPaymentResponse><Ack>Failure</Ack><Errors><ErrorCode>10562</ErrorCode>"
    b"<LongMessage>Enter a valid year.</LongMessage></Errors></DoDirectPaymentResponse></S:Body>"
    b"</S:Envelope>"
)


@pytest.mark.parametrize(
    ("path", "media_type", "body"),
    [("/nvp", "text/plain; charset=utf-8", NVP), ("/2.0/", "text/xml; charset=utf-8", SOAP)],
    ids=["nvp", "soap"],
)
async def test_an_older_api_is_answered_as_it_answers(
    path: str, media_type: str, body: bytes
) -> None:
    async with RawProvider([answer(200, body, [("Content-Type", media_type)])]) as upstream:
        native = provider(upstream.port, profile="paypal", mount="/", errors={"mode": "native"})
        async with sidecar({"paypal": native}) as proxy:
            reply = await proxy.ask(target=path, body=b"METHOD=DoDirectPayment")
    assert (reply.status, reply.body, reply.header("Content-Type")) == (200, body, media_type)
    assert reply.header("Paysluice-Error-Code") == "invalid_field_value"
