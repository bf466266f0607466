"""Request bodies: whole and byte for byte to the provider, within a bound, or not at all."""

import asyncio
import gzip
import hashlib
import hmac

import pytest

from tests.conformance.refusing import closed
from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import Connected, RawProvider, answer
from tests.support.sidecar import provider, sidecar
from tests.support.world import post, world

KEPT_OR_STREAMED = pytest.mark.parametrize("replay_body", ["1MiB", "4B"], ids=["kept", "streamed"])
FRAMED = pytest.mark.parametrize("framing", ["length", "chunked"])


def framed(framing: str, body: bytes) -> tuple[str, bytes]:
    """Give the field and the bytes that carry *body*."""
    if framing == "length":
        return f"Content-Length: {len(body)}", body
    return "Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.item(37)
@FRAMED
@KEPT_OR_STREAMED
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_content_of_a_method_that_needs_none_goes_on_and_is_not_the_next_request(
    method: str, replay_body: str, framing: str
) -> None:
    body = head("GET /smuggled HTTP/1.1")
    field, sent = framed(framing, body)
    async with world(answer(body=b""), replay_body=replay_body) as here:
        async with caller(here.proxy.port) as one:
            await one.send(head(f"{method} /acme/x HTTP/1.1", field) + sent)
            assert (await one.answer(is_head=method == "HEAD")).status == 200
            await one.send(head("GET /acme/next HTTP/1.1"))
            assert (await one.answer()).status == 200
        first, second = here.upstream.seen
        assert (first.line, first.body) == (f"{method} /x HTTP/1.1".encode(), body)
        assert (second.line, second.body) == (b"GET /next HTTP/1.1", b"")
        # After a HEAD a connection is not used again: a body may come that nobody waits for.
        assert (second.connection == first.connection) is (method != "HEAD")


SIGNED = {
    "gzip": gzip.compress(b'{"amount": 1000}' * 50),
    "not_what_it_says": b"\x1f\x8b not gzip at all",
    "every_byte": bytes(range(256)) + b"\r\n0\r\n\r\n",
    "pretty": b'{ "b" : 1.10,\r\n\t"a": "\\u00e9" }\n',
}


@pytest.mark.item(38)
@FRAMED
@KEPT_OR_STREAMED
@pytest.mark.parametrize("name", SIGNED)
async def test_a_signature_over_the_body_still_holds_at_the_provider(
    name: str, replay_body: str, framing: str
) -> None:
    def sign(body: bytes) -> bytes:
        return hmac.new(b"key", body, hashlib.sha256).hexdigest().encode()

    body = SIGNED[name]
    field, sent = framed(framing, body)
    fields = ("Content-Encoding: gzip", f"X-Signature: {sign(body).decode()}", field)
    async with world(replay_body=replay_body) as here:
        assert (await here.ask(post(*fields, body=sent))).status == 200
        seen = here.upstream.seen[0]
        assert seen.values(b"x-signature") == [sign(seen.body)]
        assert seen.values(b"content-encoding") == [b"gzip"]


@pytest.mark.item(39)
async def test_a_length_beyond_max_body_is_refused_before_a_byte_of_it_is_sent() -> None:
    async with world(max_body="1KiB") as here, caller(here.proxy.port) as one:
        await one.send(post("Expect: 100-continue", "Content-Length: 1025"))
        reply = await one.answer()
        assert (reply.status, reply.header("Connection")) == (413, "close")
        assert sound_envelope(reply)["error_code"] == "request_too_large"
        assert here.upstream.connections == 0


@pytest.mark.item(39)
async def test_a_chunked_body_is_refused_where_it_crosses_max_body() -> None:
    piece = b"200\r\n" + b"x" * 512 + b"\r\n"
    raw = post("Transfer-Encoding: chunked", body=piece * 2 + b"1\r\ny\r\n0\r\n\r\n")
    reply = await closed(raw, hidden=b"", max_body="1KiB")
    assert (reply.status, reply.json["error_code"]) == (413, "request_too_large")


@pytest.mark.item(41)
@FRAMED
@pytest.mark.parametrize("how", ["closes", "resets"])
async def test_a_body_whose_caller_vanished_never_looks_whole_to_the_provider(
    how: str, framing: str
) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    got = bytearray()

    async def capture(connected: Connected) -> None:
        while data := await connected.reader.read(65_536):
            got.extend(data)
            if got.endswith((b"x" * 2048, b"x\r\n")):
                began.set()
        ended.set()
        connected.close()

    async with (
        RawProvider([answer()], before_read=capture) as upstream,
        sidecar({"acme": provider(upstream.port)}, replay_body="1KiB") as proxy,
        asyncio.timeout(5.0),
    ):
        async with caller(proxy.port) as one:
            piece = b"x" * 2048
            if framing == "length":
                await one.send(head("PUT /acme/x HTTP/1.1", "Content-Length: 4096") + piece)
            else:
                line = head("PUT /acme/x HTTP/1.1", "Transfer-Encoding: chunked")
                await one.send(line + b"800\r\n" + piece + b"\r\n")
            await began.wait()
            if how == "resets":
                one.writer.transport.abort()
        await ended.wait()
        told, _, body = bytes(got).partition(b"\r\n\r\n")
        if framing == "length":
            assert told.endswith(b"Content-Length: 4096")
            assert body == piece
        else:
            assert told.endswith(b"Transfer-Encoding: chunked")
            assert body.count(b"x") == 2048
            assert not body.endswith(b"0\r\n\r\n")
        assert upstream.connections == 1
