"""What must not be stored is taken out of an answer, and nothing else."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger.care import careful, careful_head

PLAIN = [
    b"",
    b'{"id": "pay_1", "created": 1700000000000, "cvc_check": "pass", "last4": "4242"}',
    b'{"id": 4111111111111112}',  # no right check digit
    b'{"id": 9111111111111111}',  # of no issuer
    b"id=pay_1&amount=10",
    b"<r><pinned>1</pinned></r>",
    b"\xff\xfe not text",
    b'{"id": 4222222222223}',  # 13 digits, and the check digit is wrong
    b'{"at": "4111-1111-1111-1112", "by": "4111:1111.1111-1111"}',  # neither: no card's groups
    b'{"at": "4111\n1111\n1111\n1111"}',
    b'{"name": "caf\\u00e9 100%25 &amp; more", "city": "M\xc3\xbcnchen"}',
    b"1234 4000000000000 12",
]


@pytest.mark.parametrize("body", PLAIN)
def test_what_may_be_stored_stays_byte_for_byte(body: bytes) -> None:
    assert careful(body, ()) == body


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"pan": "4111111111111111"}', b'{"pan": "411111******1111"}'),
        (b'{"pan": 4111111111111111}', b'{"pan": 4111110000001111}'),
        (b'{"pan": "4111 1111-1111 1111"}', b'{"pan": "4111 11**-**** 1111"}'),
        (b"card 378282246310005 was used", b"card 378282*****0005 was used"),
        (b'{"old": "4222222222222"}', b'{"old": "422222***2222"}'),
        (b'{"cvv": "123", "id": 1}', b'{"cvv": null, "id": 1}'),
        (b'{"card": {"CVC" : 1234}}', b'{"card": {"CVC" : null}}'),
        (b'{"security_code": "a\\"b"}', b'{"security_code": null}'),
        (b'{"pin_block": "04AF"}', b'{"pin_block": null}'),
        (b"amount=1&cvv=123&x=2", b"amount=1&cvv=&x=2"),
        (b"card[cvc]=123&x=2", b"card[cvc]=&x=2"),
        (b"<card><cvv2>123</cvv2></card>", b"<card><cvv2></cvv2></card>"),
        (b'<n:cvc a="1">123</n:cvc>', b'<n:cvc a="1"></n:cvc>'),
        (b'{"t": "%B4111111111111111^DOE/J^2512101000?"}', b'{"t": ""}'),
        (b"on 4111111111111111 12/29 123", b"on 411111******1111 12/29 123"),
        (b"4111.1111.1111.1111", b"4111.11**.****.1111"),
        (b"4111%201111%201111%201111", b"4111%2011**%20****%201111"),
        (
            "4111\u00a01111\u00a01111\u00a01111".encode(),
            "4111\u00a011**\u00a0****\u00a01111".encode(),
        ),
        (b"3782:822463:10005", b"3782:82****:*0005"),
        (b'{"said": "{\\"cvv\\": \\"123\\"}"}', b'{"said": "{\\"cvv\\": null}"}'),
        (b'{"card_cvc": "123"}', b'{"card_cvc": null}'),
        (b"the security code 123 is wrong", b"the security code *** is wrong"),
        (b"raw ;4111111111111111=2512101000? end", b"raw  end"),
    ],
)
def test_what_must_not_be_stored_goes(body: bytes, kept: bytes) -> None:
    assert careful(body, ()) == kept


def test_a_13_digit_number_is_a_card_of_one_issuer_only() -> None:
    assert careful(b"5000000000009", ()) == b"5000000000009"


def test_what_is_packed_is_looked_into_and_kept_as_it_is_or_not_at_all() -> None:
    gzipped = ((b"Content-Encoding", b"gzip"),)
    body = gzip.compress(b'{"id": 1}')
    assert careful(body, gzipped) == body
    assert careful(gzip.compress(b'{"cvv": "123"}'), gzipped) is None
    assert careful(gzip.compress(b"x" * 1_000_000), gzipped) is None
    assert careful(b"\x0b\x02", ((b"Content-Encoding", b"br"),)) is None
    assert careful(zlib.compress(b"{}"), ((b"Content-Encoding", b"deflate"),)) is not None
    assert careful(b"{}", ((b"Content-Encoding", b"identity"),)) == b"{}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"pan": "\\u0034111111111111111"}',
        b"card%5Bcvc%5D=123",
        b"&#52;111111111111111",
        "\uff14\uff11\uff11\uff11 1111 1111 1111".encode(),
    ],
)
def test_what_is_written_in_code_is_not_kept(body: bytes) -> None:
    assert careful(body, ()) is None


def test_the_head_is_looked_at_too() -> None:
    fields = ((b"X-Id", b"1"), (b"Location", b"/x?card=4111111111111111"), (b"X-Cut", b"cvc%3D123"))
    kept = ((b"X-Id", b"1"), (b"Location", b"/x?card=411111******1111"))
    assert careful_head(b"OK 4111111111111111", fields) == (b"OK 411111******1111", kept)
    assert careful_head(b"cvc%3D123", ((b"4111111111111111", b"1"),)) == (b"", ())


def test_what_has_two_bytes_a_letter_is_not_kept() -> None:
    assert careful('{"cvv": "123"}'.encode("utf-16"), ()) is None


@given(
    st.dictionaries(
        st.sampled_from(["id", "cvv", "pan", "note"]), st.text() | st.integers(0, 10**19)
    )
)
def test_json_stays_json(document: dict[str, object]) -> None:
    kept = careful(json.dumps(document).encode(), ())
    assert kept is not None
    assert set(json.loads(kept)) == set(document)
