"""A provider's answer, byte by byte, and what its caller sees of it over a whole sidecar."""

import asyncio
import gzip

import pytest

from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import Connected, Step, answer, send
from tests.support.world import World, world

GET = head("GET /acme/x HTTP/1.1")
POST = head("POST /acme/payments HTTP/1.1", "Content-Length: 2") + b"{}"
BOTH = pytest.mark.parametrize("request_bytes", [GET, POST], ids=["get", "post"])
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def next_is_its_own(here: World) -> None:
    """The connection to the provider was left in order, or left."""
    reply = await here.ask(head("GET /acme/next HTTP/1.1"))
    assert (reply.status, reply.body) == (200, b"next")


@pytest.mark.item(56)
@BOTH
@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
    ],
    ids=["100", "102", "103", "two"],
)
async def test_interim_answers_stop_here(interim: bytes, request_bytes: bytes) -> None:
    async with world(send(interim + OK), answer(body=b"next")) as here:
        reply = await here.ask(request_bytes)
        assert (reply.status, reply.body, reply.header("Link")) == (200, b"ok", None)
        await next_is_its_own(here)


@pytest.mark.item(56, 66)
@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["101", "600", "999", "099"],
)
async def test_a_status_that_is_no_answer_is_502(raw: bytes, request_bytes: bytes) -> None:
    async with world(send(raw)) as here:
        await is_malformed(here, request_bytes, "http_protocol_error")


async def is_malformed(here: World, request_bytes: bytes, error: str) -> None:
    reply = await here.ask(request_bytes)
    envelope = sound_envelope(reply)
    is_payment = request_bytes.startswith(b"POST")
    assert (reply.status, envelope["error_code"]) == (502, "malformed_response")
    assert envelope["outcome"] == ("unknown" if is_payment else "rejected")
    assert f"error={error}" in str(reply.header("Proxy-Status"))
    assert here.upstream.requests == (1 if is_payment else 3)
    assert here.upstream.connections == here.upstream.requests  # none of them used again


@pytest.mark.item(63, 65, 68)
@BOTH
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked", "http_protocol_error"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 2", "http_protocol_error"),
        (b"Content-Length: 2\r\nContent-Length: 3", "http_protocol_error"),
        (b"Content-Length: -2", "http_protocol_error"),
        (b"Content-Length: 2, 2", "http_protocol_error"),
        (b"Content-Length: 0x2", "http_protocol_error"),
        (b"Transfer-Encoding: gzip, chunked", "http_response_transfer_coding"),
        (b"Transfer-Encoding: foo", "http_response_transfer_coding"),
        (b"X: " + b"y" * 70_000 + b"\r\nContent-Length: 2", "http_response_header_size"),
        (b"X: y\r\n" * 300 + b"Content-Length: 2", "http_response_header_size"),
    ],
    ids=["cl_te", "te_cl", "two_cl", "minus", "list", "hex", "gzip", "foo", "large", "many"],
)
async def test_framing_that_is_in_doubt_is_502(
    fields: bytes, error: str, request_bytes: bytes
) -> None:
    async with world(
        send(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    ) as here:
        await is_malformed(here, request_bytes, error)


@pytest.mark.item(64)
@BOTH
async def test_a_folded_field_is_one_line_for_the_caller(request_bytes: bytes) -> None:
    folded = b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\n\tc\r\nContent-Length: 2\r\n\r\nok"
    async with world(send(folded)) as here:
        reply = await here.ask(request_bytes)
        assert (reply.status, reply.body) == (200, b"ok")
        assert (reply.header("X-Folded") or "").split() == ["a", "b", "c"]
        assert "\r" not in str(reply.header("X-Folded"))


@pytest.mark.item(57, 58)
@BOTH
@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", 204, b""),
        (
            b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            204,
            b"",
        ),
        (OK + b"EXTRA", 200, b"ok"),
        (OK + OK, 200, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nEXTRA",
            200,
            b"ok",
        ),
        (b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", 205, b""),
    ],
    ids=["204_cl", "204_te", "extra", "second", "extra_chunked", "205"],
)
async def test_what_follows_an_answer_never_makes_it_an_error(
    raw: bytes, status: int, body: bytes, request_bytes: bytes
) -> None:
    async with world(send(raw), answer(body=b"next")) as here, caller(here.proxy.port) as one:
        await one.send(request_bytes)
        reply = await one.answer()
        assert (reply.status, reply.body) == (status, body)
        if status == 204:
            assert reply.header("Content-Length") is None
            assert reply.header("Transfer-Encoding") is None
        await one.send(head("GET /acme/next HTTP/1.1"))
        assert (await one.answer()).body == b"next"


@pytest.mark.item(57)
@pytest.mark.parametrize(
    ("raw", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "99"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: x\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", None),
    ],
    ids=["length", "chunked", "304", "204"],
)
async def test_an_answer_to_head_ends_with_its_head(raw: bytes, length: str | None) -> None:
    async with world(send(raw), answer(body=b"next")) as here, caller(here.proxy.port) as one:
        await one.send(head("HEAD /acme/x HTTP/1.1"))
        reply = await one.answer(is_head=True)
        assert reply.header("Content-Length") == length
        assert reply.header("Transfer-Encoding") is None
        await one.send(head("GET /acme/next HTTP/1.1"))
        assert (await one.answer()).body == b"next"


CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "last_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
}


@pytest.mark.item(62)
@BOTH
@pytest.mark.parametrize("name", CUT)
async def test_a_short_answer_that_was_cut_is_told_before_a_byte_of_it_is_shown(
    name: str, request_bytes: bytes
) -> None:
    async with world(send(CUT[name], keep=False)) as here:
        reply = await here.ask(request_bytes)
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (502, "bad_gateway")
        assert envelope["provider"]["status"] == 200
        assert "error=http_response_incomplete" in str(reply.header("Proxy-Status"))
        assert envelope["outcome"] == ("unknown" if request_bytes is POST else "rejected")


@pytest.mark.item(62)
async def test_a_payments_answer_of_a_mebibyte_that_was_cut_is_told_before_it_is_shown() -> None:
    whole = 1_048_576
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % whole + b"x" * (whole - 1)
    async with world(send(raw, keep=False)) as here:
        reply = await here.ask(POST)
        assert (reply.status, sound_envelope(reply)["outcome"]) == (502, "unknown")


@pytest.mark.item(69)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("size", [2, 100_000])
async def test_an_answer_that_ends_with_its_connection_is_framed_anew(
    version: str, size: int
) -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n" + b"x" * size
    async with world(send(raw, keep=False)) as here:
        reply = await here.ask(head(f"GET /acme/x HTTP/{version}", "Connection: close"))
        assert (reply.status, reply.body) == (200, b"x" * size)
        is_large = size > 65_536
        is_framed = reply.header("Content-Length") == str(size)
        assert is_framed is not is_large
        assert (reply.header("Transfer-Encoding") == "chunked") is (is_large and version == "1.1")


@pytest.mark.item(61)
@pytest.mark.parametrize("replay_body", ["1KiB", "1MiB"], ids=["streamed", "kept"])
async def test_an_early_answer_stops_the_upload_and_is_delivered(replay_body: str) -> None:
    refused = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}"

    async def early(connected: Connected) -> None:
        await connected.reader.readuntil(b"\r\n\r\n")
        connected.writer.write(refused)
        await connected.writer.drain()
        await asyncio.Event().wait()

    async with world(acme={"retry": {"max_attempts": 1}}, replay_body=replay_body) as here:
        here.upstream.before_read = early
        async with caller(here.proxy.port) as one:
            await one.send(head("POST /acme/x HTTP/1.1", "Content-Length: 500000") + b"x" * 400_000)
            if replay_body == "1MiB":
                await one.send(b"x" * 100_000)
            reply = await one.answer()
            assert (reply.status, sound_envelope(reply)["error_code"]) == (413, "request_too_large")


@pytest.mark.item(67)
@pytest.mark.parametrize("coding", ["gzip", "br", "made-up"])
@BOTH
async def test_a_content_coding_goes_through_untouched(coding: str, request_bytes: bytes) -> None:
    body = gzip.compress(b"{}" * 500, mtime=0)
    step: Step = answer(body=body, headers=[("Content-Encoding", coding), ("ETag", '"x"')])
    async with world(step) as here:
        reply = await here.ask(request_bytes)
        assert (reply.status, reply.body) == (200, body)
        assert (reply.header("Content-Encoding"), reply.header("ETag")) == (coding, '"x"')


@pytest.mark.item(67)
async def test_an_error_that_unpacks_without_end_is_an_envelope_from_its_status() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with world(answer(400, bomb, [("Content-Encoding", "gzip")])) as here:
        envelope = sound_envelope(await here.ask(POST))
        assert (envelope["error_code"], envelope["provider"]["body"]) == ("invalid_request", None)


@pytest.mark.item(60)
@pytest.mark.parametrize(
    ("status", "fields", "is_error"),
    [
        (206, [("Content-Range", "bytes 0-1/9")], False),
        (206, [("Content-Type", "multipart/byteranges; boundary=x")], False),
        (416, [("Content-Range", "bytes */9")], True),
    ],
)
async def test_parts_go_through_and_an_unsatisfiable_range_is_an_error(
    status: int, fields: list[tuple[str, str]], is_error: bool
) -> None:
    async with world(answer(status, b"ok", fields)) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1", "Range: bytes=0-1", 'If-Range: "x"'))
        assert here.upstream.seen[0].values(b"Range") == [b"bytes=0-1"]
        assert here.upstream.seen[0].values(b"If-Range") == [b'"x"']
        assert reply.status == (400 if is_error else 206)
        if not is_error:
            assert (reply.body, reply.header(fields[0][0])) == (b"ok", fields[0][1])
