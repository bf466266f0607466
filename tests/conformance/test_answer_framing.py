"""Where an answer ends: what is in doubt, what has no content, and what was cut."""

import asyncio
import contextlib
import os
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from tests.conformance.structured import read_list
from tests.support.caller import Caller, caller, head, sound_envelope
from tests.support.raw import Connected, RawProvider, Step, answer, send
from tests.support.sidecar import provider, sidecar
from tests.support.world import World, world

GET = head("GET /acme/x HTTP/1.1")
HEAD = head("HEAD /acme/x HTTP/1.1")
POST = head("POST /acme/payments HTTP/1.1", "Content-Length: 2") + b"{}"
NEXT = head("GET /acme/next HTTP/1.1")
BOTH = pytest.mark.parametrize("request_bytes", [GET, POST], ids=["get", "post"])
ONCE = {"retry": {"max_attempts": 1}}
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"2\r\nok\r\n0\r\n\r\n"


async def told(here: World, raw: bytes) -> bytes:
    """Give all the bytes that come back to *raw* on a connection that ends with it."""
    async with caller(here.proxy.port) as one:
        await one.send(raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        return await one.rest()


# --- lengths and codings (GET and POST: what is in doubt may have been a charge)

DOUBTFUL: dict[str, tuple[bytes, str]] = {
    "empty": (b"Content-Length:", "http_protocol_error"),
    "plus": (b"Content-Length: +2", "http_protocol_error"),
    "two_words": (b"Content-Length: 2 2", "http_protocol_error"),
    "beyond_64_bits": (b"Content-Length: " + b"9" * 30, "http_protocol_error"),
    "the_same_twice": (b"Content-Length: 2\r\nContent-Length: 2", "http_protocol_error"),
    "identity": (b"Transfer-Encoding: identity\r\nContent-Length: 2", "http_protocol_error"),
    "not_last": (b"Transfer-Encoding: chunked, gzip", "http_response_transfer_coding"),
    "twice": (b"Transfer-Encoding: chunked, chunked", "http_response_transfer_coding"),
    "comma": (b"Transfer-Encoding: chunked,", "http_response_transfer_coding"),
    "comma_first": (b"Transfer-Encoding: ,chunked", "http_response_transfer_coding"),
    "two_lines": (b"Transfer-Encoding: chunked\r\n" * 2 + b"X: y", "http_response_transfer_coding"),
    "parameter": (b"Transfer-Encoding: chunked;q=1", "http_response_transfer_coding"),
    "control": (b"Transfer-Encoding: \x0bchunked", "http_response_transfer_coding"),
}


@pytest.mark.item(63, 65)
@BOTH
@pytest.mark.parametrize("name", DOUBTFUL)
async def test_one_plain_length_or_chunked_alone_ends_an_answer(
    name: str, request_bytes: bytes
) -> None:
    fields, error = DOUBTFUL[name]
    raw = OK + fields + b"\r\n\r\n" + CHUNKED
    async with world(send(raw), answer(body=b"next"), acme=ONCE) as here:
        reply = await here.ask(request_bytes)
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (502, "malformed_response")
        assert envelope["outcome"] == ("unknown" if request_bytes is POST else "rejected")
        said = read_list(str(reply.header("Proxy-Status")))[-1].parameters
        assert said == {"error": error}
        assert (await here.ask(NEXT)).body == b"next"
        assert here.upstream.connections == 2


@pytest.mark.item(65)
@BOTH
async def test_chunked_is_known_in_any_case(request_bytes: bytes) -> None:
    async with world(send(OK + b"Transfer-Encoding: CHUNKED\r\n\r\n" + CHUNKED)) as here:
        assert (await here.ask(request_bytes)).body == b"ok"


@pytest.mark.item(65)
@BOTH
async def test_a_transfer_coding_in_http_1_0_ends_its_connection(request_bytes: bytes) -> None:
    old = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with world(send(old + CHUNKED), answer(body=b"next")) as here:
        assert (await here.ask(request_bytes)).status in {200, 502}
        assert (await here.ask(NEXT)).body == b"next"
        assert here.upstream.connections == 2


FRAMING_FIELDS = [b"Transfer-Encoding : chunked", b"Content-Length : 2", b"Connection : close"]


@pytest.mark.item(63)
@BOTH
@pytest.mark.parametrize("field", FRAMING_FIELDS, ids=lambda field: field.partition(b" ")[0])
async def test_no_field_reaches_a_caller_with_a_space_before_its_colon(
    field: bytes, request_bytes: bytes
) -> None:
    is_chunked = field.startswith(b"Transfer")
    length = b"Content-Length: 2\r\n" if field.startswith(b"Connection") else b""
    body = CHUNKED if is_chunked else b"ok"
    async with world(send(OK + length + field + b"\r\n\r\n" + body), acme=ONCE) as here:
        fields, _, _ = (await told(here, request_bytes)).partition(b"\r\n\r\n")
        names = [line.partition(b":")[0] for line in fields.split(b"\r\n")[1:]]
        assert all(name == name.strip() for name in names)


# --- no content


@pytest.mark.item(57)
@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    ],
    ids=["length", "chunked"],
)
async def test_a_205_has_no_content(raw: bytes, request_bytes: bytes) -> None:
    async with world(send(raw)) as here:
        fields, _, body = (await told(here, request_bytes)).partition(b"\r\n\r\n")
        assert fields.startswith(b"HTTP/1.1 205 ")
        assert body in {b"", b"0\r\n\r\n"}


@pytest.mark.item(57, 58)
@pytest.mark.parametrize(
    ("request_bytes", "start"),
    [(POST, b"204 No Content"), (GET, b"304 Not Modified"), (HEAD, b"200 OK")],
    ids=["204", "304", "head"],
)
async def test_where_there_is_no_content_its_framing_is_no_fault(
    request_bytes: bytes, start: bytes
) -> None:
    raw = b"HTTP/1.1 " + start + b"\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    async with world(send(raw), acme=ONCE) as here:
        assert (await told(here, request_bytes)).startswith(b"HTTP/1.1 " + start)


PAGE = b'{"message": "There is no such thing"}'


@pytest.mark.item(57)
async def test_an_error_to_head_has_the_length_of_the_same_error_to_get_or_none() -> None:
    has_page = answer(404, PAGE)
    bare = send(b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(PAGE))
    async with world(bare, has_page) as here:
        lengths = []
        for request_bytes in (HEAD, GET):
            async with caller(here.proxy.port) as one:
                await one.send(request_bytes)
                reply = await one.answer(is_head=request_bytes is HEAD)
                assert reply.status == 404
                lengths.append(reply.header("Content-Length"))
        assert lengths[0] in {None, lengths[1]}


# --- cut: a caller that has begun to read must see it

LONG = b"x" * 2_000_000


@pytest.mark.item(62)
@BOTH
@pytest.mark.parametrize("framing", ["length", "chunked", "close_reset"])
async def test_a_stream_that_was_cut_looks_cut(framing: str, request_bytes: bytes) -> None:
    may_cut = asyncio.Event()
    fields = {
        "length": b"Content-Length: 4000000\r\n\r\n" + LONG,
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(LONG) + LONG + b"\r\n",
        "close_reset": b"\r\n" + LONG,
    }

    async def cut(connected: Connected) -> None:
        connected.writer.write(OK + fields[framing])
        await may_cut.wait()
        if framing == "close_reset":
            connected.reset()
        else:
            connected.close()

    async with world(cut) as here, caller(here.proxy.port) as one:
        await one.send(request_bytes)
        begun = (await one.reader.readuntil(b"\r\n\r\n")).lower()
        assert begun.startswith(b"http/1.1 200")
        is_framed = framing == "length"
        assert (b"content-length: 4000000" in begun) is is_framed
        assert (b"transfer-encoding: chunked" in begun) is not is_framed
        may_cut.set()
        got = await until_the_end(one)
        assert len(got) < 4_000_000
        assert not got.endswith(b"0\r\n\r\n")
        assert b"HTTP/1.1 " not in got
        assert here.upstream.requests == 1


async def until_the_end(one: Caller) -> bytes:
    got = b""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(5):
            while piece := await one.reader.read(1_000_000):
                got += piece
    return got


# --- an answer that its connection ends


@pytest.mark.item(69)
@BOTH
@pytest.mark.parametrize("size", [2, 3_000_000], ids=["kept", "streamed"])
async def test_what_ends_with_the_providers_connection_does_not_end_the_callers(
    size: int, request_bytes: bytes
) -> None:
    body = b"x" * size
    ended: Step = send(OK + b"\r\n" + body, keep=False)
    async with world(ended, answer(body=b"next")) as here, caller(here.proxy.port) as one:
        await one.send(request_bytes)
        reply = await one.answer()
        assert (reply.status, reply.body, reply.header("Connection")) == (200, body, None)
        is_chunked = reply.header("Transfer-Encoding") == "chunked"
        assert (is_chunked, reply.header("Content-Length") is None) == (size > 2, size > 2)
        await one.send(NEXT)
        assert (await one.answer()).body == b"next"


@pytest.mark.item(69)
@BOTH
async def test_what_ends_with_its_connection_ends_an_old_callers_connection(
    request_bytes: bytes,
) -> None:
    body = b"x" * 3_000_000
    async with world(send(OK + b"\r\n" + body, keep=False)) as here:
        fields = b"HTTP/1.0\r\nConnection: keep-alive"
        async with caller(here.proxy.port) as one:
            await one.send(request_bytes.replace(b"HTTP/1.1", fields, 1))
            began, _, got = (await one.rest()).partition(b"\r\n\r\n")
        assert got == body
        assert b"transfer-encoding" not in began.lower()


@pytest.mark.item(69)
@BOTH
async def test_tls_that_ends_without_an_alert_ends_what_its_connection_ends(
    request_bytes: bytes, tmp_path: Path
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    async def fin(connected: Connected) -> None:
        connected.writer.write(OK + b"\r\nok")
        with socket.socket(fileno=os.dup(connected.writer.get_extra_info("socket").fileno())) as it:
            it.shutdown(socket.SHUT_WR)  # a FIN, and no close_notify before it
        await asyncio.Event().wait()

    async with RawProvider([fin], tls=context) as upstream:
        url, tls = f"https://localhost:{upstream.port}", {"ca": str(tmp_path / "ca.pem")}
        async with sidecar({"acme": provider(0, base_url=url, tls=tls)}) as proxy:
            reply = await proxy.send(request_bytes.replace(b"paysluice", b"x\r\nConnection: close"))
        assert (reply.status, reply.body) == (200, b"ok")
