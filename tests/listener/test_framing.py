"""Where a body ends in its caller's bytes, however they are cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.listener.framing import MAX_FRAMING_BYTES, ChunkedFraming, LengthFraming

NEXT = b"POST /next HTTP/1.1\r\n"


def fed(framing: ChunkedFraming | LengthFraming, raw: bytes, step: int) -> bytes:
    """Feed *raw* in pieces, and give what was left over."""
    rest = b""
    for place in range(0, len(raw), step):
        piece = raw[place : place + step]
        rest += piece if framing.is_ended else framing.feed(piece)
    return rest


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("size", [0, 1, 500])
def test_a_length_ends_after_so_many_bytes(size: int, step: int) -> None:
    framing = LengthFraming(size)
    assert framing.is_ended is (size == 0)
    assert fed(framing, b"x" * size + NEXT, step) == NEXT
    assert framing.is_ended
    assert not framing.is_excessive


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize(
    "raw",
    [
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b'5;a=b;c="d"\r\nhello\r\n00\r\nX-T: y\r\nZ: 0\r\n\r\n',
        b"2\r\n\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
    ],
    ids=["empty", "one", "extensions_and_trailers", "line_ends_within"],
)
def test_chunks_end_with_the_empty_line_behind_the_last(raw: bytes, step: int) -> None:
    framing = ChunkedFraming()
    assert fed(framing, raw + NEXT, step) == NEXT
    assert framing.is_ended
    assert not framing.is_excessive


@pytest.mark.parametrize("step", [1, 1000, 1_000_000])
@pytest.mark.parametrize(
    "raw",
    [
        b"5;" + b"a" * (MAX_FRAMING_BYTES + 500) + b"\r\nhello\r\n0\r\n\r\n",
        b"5;" + b"a" * MAX_FRAMING_BYTES * 2,
        (b"1;" + b"a" * 100 + b"\r\nx\r\n") * 300,
        b"0\r\n" + b"X: y\r\n" * 3000 + b"\r\n",
    ],
    ids=["one", "without_end", "many", "trailers"],
)
def test_framing_that_outweighs_its_content_is_told(raw: bytes, step: int) -> None:
    framing = ChunkedFraming()
    fed(framing, raw, step)
    assert framing.is_excessive


def test_chunks_of_one_byte_are_none_of_it() -> None:
    framing = ChunkedFraming()
    fed(framing, b"1\r\nx\r\n" * 20_000, 5000)
    assert not framing.is_excessive


@pytest.mark.parametrize("raw", [b"zz\r\nx", b"-1\r\nx", b"\r\nx", b"0x5\r\nx"])
def test_what_is_malformed_never_raises(raw: bytes) -> None:
    assert fed(ChunkedFraming(), raw, 1) == b""


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20), st.integers(1, 60))
def test_whatever_the_chunks_the_next_request_is_found(pieces: list[bytes], step: int) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    assert fed(ChunkedFraming(), raw + NEXT, step) == NEXT


def test_one_line_is_bounded_however_much_content_came_before() -> None:
    framing = ChunkedFraming()
    framing.feed(b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n")
    for _ in range(20):
        framing.feed(b"5;" + b"e" * 1_000)
    assert framing.is_excessive
    framing.feed(b"e" * 1_000_000)
    assert len(framing._line) < 2 * MAX_FRAMING_BYTES
