"""Where a request ends: said once and plainly, or refused, so that nothing hides behind it."""

import pytest

from tests.conformance.refusing import HIDDEN, closed, malformed
from tests.support.caller import caller, head
from tests.support.world import CANARY, POST, post, world

OLD = POST.replace("HTTP/1.1", "HTTP/1.0")
LAST = b"0\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"


def chunked(body: bytes, *fields: str) -> bytes:
    return post(CHUNKED, *fields, body=body)


TWO_FRAMINGS = {
    "length_first": post("Content-Length: 5", CHUNKED, body=LAST),
    "length_last": post(CHUNKED, "Content-Length: 5", body=LAST),
    "length_of_nothing": post(CHUNKED, "Content-Length: 0", body=LAST),
    "in_capitals": post("TRANSFER-ENCODING: CHUNKED", "CONTENT-LENGTH: 5", body=LAST),
    "unknown_coding": post("Transfer-Encoding: xchunked", "Content-Length: 5", body=b"hello"),
    "get": post(CHUNKED, "Content-Length: 5", line="GET /acme/x HTTP/1.1", body=LAST),
    "http_1_0": post(CHUNKED, "Content-Length: 5", "Connection: keep-alive", line=OLD, body=LAST),
}


@pytest.mark.item(30)
@pytest.mark.parametrize("name", TWO_FRAMINGS)
async def test_a_length_beside_a_transfer_coding_is_refused(name: str) -> None:
    await malformed(TWO_FRAMINGS[name])


@pytest.mark.item(31)
@pytest.mark.parametrize(
    "value",
    [
        *("", "+5", "-1", "0x5", "0_5", "5.0", "1e1", "5;a", "5 6", "5, 5", "5,5", "five"),
        *("\x0b5", "5\0", "\xb2", "\xd9\xa5"),
        *("18446744073709551616", "18446744073709551621", "9" * 40),
    ],
    ids=ascii,
)
async def test_a_length_that_is_no_whole_number_is_refused(value: str) -> None:
    await malformed(post(f"Content-Length: {value}", body=b"hello"))


@pytest.mark.item(31)
@pytest.mark.parametrize("second", ["content-length: 6", "CONTENT-LENGTH: 5", "Content-Length: "])
async def test_a_second_length_is_refused_the_same_or_not(second: str) -> None:
    await malformed(post("Content-Length: 5", second, body=b"hello"))


@pytest.mark.item(31)
async def test_a_length_goes_on_as_a_plain_number() -> None:
    async with world() as here:
        assert (await here.ask(post("Content-Length: \t0005 ", body=b"hello"))).status == 200
        assert here.upstream.seen[0].values(b"content-length") == [b"5"]
        assert here.upstream.seen[0].body == b"hello"


@pytest.mark.item(32)
@pytest.mark.parametrize(
    "value",
    [
        *("", "xchunked", "identity", "gzip", "gzip, chunked", "chunked, gzip"),
        *("chunked, identity", "chunked, chunked", ", chunked", "chunked,", "chunked;q=1"),
        *('"chunked"', "\x0bchunked", "chunked\0", "chunked chunked"),
    ],
    ids=ascii,
)
async def test_a_transfer_coding_other_than_chunked_alone_is_refused(value: str) -> None:
    await malformed(post(f"Transfer-Encoding: {value}", body=LAST))


@pytest.mark.item(32)
@pytest.mark.parametrize("second", ["chunked", "identity", "gzip"])
async def test_a_second_line_of_transfer_codings_is_refused(second: str) -> None:
    await malformed(chunked(LAST, f"Transfer-Encoding: {second}"))


@pytest.mark.item(32)
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND"])
async def test_a_method_that_is_refused_does_not_excuse_a_transfer_coding(method: str) -> None:
    line = f"{method} /acme/x HTTP/1.1"
    await closed(post("Transfer-Encoding: gzip, chunked", line=line, body=LAST))


@pytest.mark.item(33)
async def test_a_transfer_coding_in_http_1_0_is_refused_and_what_follows_is_not_served() -> None:
    await malformed(post(CHUNKED, line=OLD, body=LAST), hidden=b"")
    await malformed(post(CHUNKED, "Connection: keep-alive", line=OLD, body=LAST))


HEADS = {
    "folded_with_space": post("X-A: b\r\n c"),
    "folded_with_tab": post("X-A: b\r\n\tc"),
    "folded_coding": post("Transfer-Encoding:\r\n chunked", body=LAST),
    "space_before_colon": post("Content-Length : 5", body=b"hello"),
    "tab_before_colon": post("Transfer-Encoding\t: chunked", body=LAST),
    "space_before_first_field": f"{POST}\r\n X-A: b\r\nHost: x\r\n\r\n".encode(),
    "tab_before_first_field": f"{POST}\r\n\tX-A: b\r\nHost: x\r\n\r\n".encode(),
    "bare_cr": post("X-A: b\rTransfer-Encoding: chunked", body=LAST),
    "bare_cr_at_the_end": post("X-A: b\r"),
    "bare_lf": post("X-A: b\nTransfer-Encoding: chunked", body=LAST),
    "bare_lf_after_the_head": f"{POST}\r\nHost: x\r\n\n".encode(),
    "bare_lf_everywhere": f"{POST}\nHost: x\nContent-Length: 5\n\nhello".encode(),
    "nul": post("X-A: b\0c"),
    "control": post("X-A: b\x01c"),
    "escape": post("X-A: b\x1bc"),
    "delete": post("X-A: b\x7fc"),
    "no_name": post(": b"),
    "no_colon": post(CANARY),
    "control_in_name": post("X\x01A: b"),
    "nul_in_name": post("X\0A: b"),
    "no_token_in_name": post("X(A): b"),
    "obs_text_in_name": post("X\xe9: b"),
}


@pytest.mark.item(34)
@pytest.mark.parametrize("name", HEADS)
async def test_a_field_that_two_readers_could_split_differently_is_refused(name: str) -> None:
    await malformed(HEADS[name])


SIZES = [
    *(b"", b"zz", b"+5", b"-5", b"0x5", b"0_5", b" 5", b"\t5", b"5 ", b"5\t", b"5 6", b"5,5"),
    *(b"10000000000000005", b"\xd9\xa5", b"5\0"),
]


@pytest.mark.item(35)
@pytest.mark.parametrize("size", SIZES, ids=ascii)
async def test_a_chunk_size_is_hexadecimal_digits_and_nothing_else(size: bytes) -> None:
    await malformed(chunked(size + b"\r\nhello\r\n" + LAST))


CHUNKS = {
    "lf_after_size": b"5\nhello\r\n" + LAST,
    "cr_after_size": b"5\rhello\r\n" + LAST,
    "lf_after_data": b"5\r\nhello\n" + LAST,
    "nothing_after_data": b"5\r\nhello" + LAST,
    "more_data_than_its_size": b"5\r\nhelloXX\r\n" + LAST,
    "lf_in_extension": b"5;a\nb\r\nhello\r\n" + LAST,
    "cr_in_extension": b"5;a\rb\r\nhello\r\n" + LAST,
    "nul_in_extension": b"5;a\0b\r\nhello\r\n" + LAST,
    "line_end_in_a_quoted_extension": b'5;a="\r\nhello\r\n' + LAST,
    "space_before_extension": b"5 ;a=b\r\nhello\r\n" + LAST,
    "lf_after_last_chunk": b"5\r\nhello\r\n0\n\n",
    "lf_at_the_end": b"5\r\nhello\r\n0\r\n\n",
}


@pytest.mark.item(35)
@pytest.mark.parametrize("name", CHUNKS)
async def test_a_chunk_whose_end_is_in_doubt_is_refused(name: str) -> None:
    await malformed(chunked(CHUNKS[name]))


@pytest.mark.item(35)
async def test_a_chunk_extension_nobody_knows_is_ignored_and_goes_no_further() -> None:
    async with world(replay_body="1B") as here, caller(here.proxy.port) as one:
        body = b'005;a;b=c;d="e f"\r\nhello\r\nA;x=1\r\n, world...\r\n000;last\r\n\r\n'
        await one.send(chunked(body) + HIDDEN)
        assert [(await one.answer()).status for _ in range(2)] == [200, 200]
        assert here.upstream.seen[0].body == b"hello, world..."
        assert here.upstream.seen[1].line == b"GET /hidden HTTP/1.1"


@pytest.mark.item(36)
@pytest.mark.parametrize("replay_body", ["1MiB", "1B"], ids=["kept", "streamed"])
async def test_trailers_go_no_further_and_become_no_header_fields(replay_body: str) -> None:
    trailers = (
        "X-T: 1",
        "Authorization: Bearer x",
        "Idempotency-Key: late",
        "Via: 1.1 paysluice",
        "Connection: X-Kept",
    )
    end = "\r\n".join(["0", *trailers, "", ""]).encode()
    request = head("POST /acme/x HTTP/1.1", CHUNKED, "Trailer: X-T", "X-Kept: 1")
    async with world(replay_body=replay_body) as here, caller(here.proxy.port) as one:
        await one.send(request + b"5\r\nhello\r\n" + end + HIDDEN)
        assert [(await one.answer()).status for _ in range(2)] == [200, 200]
        framing = b"Content-Length" if replay_body == "1MiB" else b"Transfer-Encoding"
        names = [name for name, _ in here.upstream.seen[0].fields]
        assert names == [b"Host", b"X-Kept", b"Via", framing]
        assert here.upstream.seen[0].body == b"hello"
        assert here.upstream.seen[1].line == b"GET /hidden HTTP/1.1"


@pytest.mark.item(36)
@pytest.mark.parametrize(
    "trailer",
    [
        *("Content-Length: 3", "Transfer-Encoding: chunked", "Host: other"),
        *("X-A : b", "X-A: b\r\n c", "X-A: b\0", "no colon"),
    ],
    ids=ascii,
)
async def test_a_trailer_that_could_frame_or_route_or_is_none_is_refused(trailer: str) -> None:
    await malformed(chunked(b"5\r\nhello\r\n0\r\n" + trailer.encode() + b"\r\n\r\n"))
