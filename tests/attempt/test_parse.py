"""What an answer is, byte by byte: framing, sizes, and what spoils a connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.attempt.parse import MAX_HEAD_BYTES, ResponseParser
from proxy.terms import ProxyError


def parse(*parts: bytes, is_head: bool = False, is_clean: bool | None = None) -> ResponseParser:
    parser = ResponseParser(is_head=is_head)
    for part in parts:
        parser.feed(part)
    if is_clean is not None:
        parser.feed_end(is_clean=is_clean)
    return parser


WHOLE = {
    "empty_lines_first": (b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "spaces_after_chunk_size": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n",
        b"ok",
    ),
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "no_reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"ok",
    ),
    "trailers_are_dropped": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: y\r\n\r\n",
        b"ok",
    ),
    "no_content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "not_modified": (b"HTTP/1.1 304 NM\r\nETag: x\r\n\r\n", b""),
    "no_content_of_no_length": (b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n", b""),
    "interim_answers_are_dropped": (
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        ),
        b"ok",
    ),
    "empty": (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b""),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_whole_answer_is_read_however_it_is_cut_into_pieces(name: str, step: int) -> None:
    raw, body = WHOLE[name]
    parser = parse(*(raw[at : at + step] for at in range(0, len(raw), step)))
    assert parser.is_complete
    assert parser.problem is None
    assert parser.take() == body
    assert parser.is_reusable


def test_fields_keep_their_order_case_and_repeats_and_no_trailer_joins_them() -> None:
    parser = parse(
        b"HTTP/1.1 200 OK\r\nX-b: 1\r\nX-A: caf\xe9 \r\nx-B: 2\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
        b"0\r\nX-T: y\r\n\r\n"
    )
    assert parser.head is not None
    assert parser.head.headers == (
        (b"X-b", b"1"),
        (b"X-A", b"caf\xe9"),
        (b"x-B", b"2"),
        (b"Transfer-Encoding", b"chunked"),
    )


def test_a_control_character_in_a_field_never_loses_the_answer() -> None:
    parser = parse(b"HTTP/1.1 201 Created\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\nok")
    assert parser.is_complete
    assert parser.head is not None
    assert parser.head.status == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\nok",
        b"HTTP/1.1 200 OK\r\nX: \ra\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["line_feeds", "mixed", "bare_cr"],
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_odd_ends_of_lines_never_lose_the_answer_and_end_its_connection(
    raw: bytes, step: int
) -> None:
    parser = parse(*(raw[n : n + step] for n in range(0, len(raw), step)))
    assert parser.is_complete
    assert parser.head is not None
    assert parser.head.headers == ((b"X", b"a"), (b"Content-Length", b"2"))
    assert parser.take() == b"ok"
    assert not parser.is_reusable


def test_a_folded_field_is_read_as_one_line() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n")
    assert parser.head is not None
    assert parser.head.headers[0] == (b"X", b"a b")


@pytest.mark.parametrize(
    ("raw", "is_head"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204 OK\r\nContent-Length: 2\r\n\r\n", False),
        (b"HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n", False),
        (b"HTTP/1.1 304 NM\r\nContent-Length: 20\r\n\r\n", False),
    ],
)
def test_what_must_not_have_a_body_ends_with_its_head_and_so_does_its_connection(
    raw: bytes, is_head: bool
) -> None:
    # A provider that sends a body all the same would answer the next request with it.
    parser = parse(raw, is_head=is_head)
    assert parser.is_complete
    assert not parser.is_reusable


@pytest.mark.item(58)
@pytest.mark.parametrize(
    ("parts", "is_head"),
    [
        ([b"HTTP/1.1 204 OK\r\nContent-Length: 2\r\n\r\nok"], False),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA"], False),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 200 OK\r\n"], False),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 408 RT\r\n\r\n"], False),
        (
            [
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
                b"okHTTP/1.1 408 Request Timeout\r\nContent-Length: 1\r\n\r\nx",
            ],
            False,
        ),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], True),
        ([b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nokX"], False),
    ],
)
def test_bytes_after_the_end_spoil_the_connection_never_the_answer(
    parts: list[bytes], is_head: bool
) -> None:
    parser = parse(*parts, is_head=is_head)
    assert parser.is_complete
    assert parser.problem is None
    assert not parser.is_reusable


@pytest.mark.item(13)
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_that_is_to_be_closed_is_not_reused(raw: bytes) -> None:
    parser = parse(raw)
    assert parser.is_complete
    assert not parser.is_reusable


PROBLEMS = {
    "not_http": (b"SSH-2.0-OpenSSH_9\r\n", ProxyError.HTTP_PROTOCOL_ERROR),
    "http_2_preface": (b"PRI * HTTP/2.0\r\n\r\n", ProxyError.HTTP_PROTOCOL_ERROR),
    "status_600": (b"HTTP/1.1 600 X\r\n\r\n", ProxyError.HTTP_PROTOCOL_ERROR),
    "status_99": (b"HTTP/1.1 099 X\r\n\r\n", ProxyError.HTTP_PROTOCOL_ERROR),
    "upgrade": (
        b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n",
        ProxyError.HTTP_PROTOCOL_ERROR,
    ),
    "both_framings": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        ProxyError.HTTP_PROTOCOL_ERROR,
    ),
    "two_lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        ProxyError.HTTP_PROTOCOL_ERROR,
    ),
    "odd_length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n",
        ProxyError.HTTP_PROTOCOL_ERROR,
    ),
    "unknown_coding": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        ProxyError.HTTP_RESPONSE_TRANSFER_CODING,
    ),
    "head_without_end": (
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * MAX_HEAD_BYTES,
        ProxyError.HTTP_RESPONSE_HEADER_SIZE,
    ),
    "too_many_fields": (
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 300 + b"\r\n",
        ProxyError.HTTP_RESPONSE_HEADER_SIZE,
    ),
    "interim_for_ever": (
        b"HTTP/1.1 100 Continue\r\n\r\n" * 40,
        ProxyError.HTTP_PROTOCOL_ERROR,
    ),
    "bad_chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ProxyError.HTTP_RESPONSE_INCOMPLETE,
    ),
    "trailers_without_end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 80_000,
        ProxyError.HTTP_RESPONSE_HEADER_SIZE,
    ),
}


@pytest.mark.item(63, 68)
@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_no_answer_is_named_and_never_complete(name: str) -> None:
    raw, problem = PROBLEMS[name]
    parser = parse(raw)
    assert parser.problem is problem
    assert not parser.is_complete
    parser.feed(b"more")
    parser.feed_end(is_clean=True)
    assert parser.problem is problem


@pytest.mark.parametrize(
    ("raw", "is_clean", "problem"),
    [
        (b"", True, ProxyError.CONNECTION_TERMINATED),
        (b"HTTP/1.1 2", True, ProxyError.HTTP_RESPONSE_INCOMPLETE),
        (b"HTTP/1.1 100 C\r\n\r\n", True, ProxyError.HTTP_RESPONSE_INCOMPLETE),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
            True,
            ProxyError.HTTP_RESPONSE_INCOMPLETE,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            True,
            ProxyError.HTTP_RESPONSE_INCOMPLETE,
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nok", False, ProxyError.HTTP_RESPONSE_INCOMPLETE),
    ],
)
def test_an_answer_that_ends_early_is_incomplete(
    raw: bytes, is_clean: bool, problem: ProxyError
) -> None:
    assert parse(raw, is_clean=is_clean).problem is problem


def test_a_close_delimited_answer_ends_with_its_connection() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\n\r\nok", b"!", is_clean=True)
    assert parser.is_complete
    assert parser.take() == b"ok!"
    assert not parser.is_reusable


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_whatever_raise(data: bytes, is_head: bool) -> None:
    for raw in (data, b"HTTP/1.1 " + data, b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n" + data):
        parser = parse(raw, is_head=is_head, is_clean=True)
        assert parser.is_ended
        assert parser.is_complete != (parser.problem is not None)
