"""A key that belongs in the body is written there, and changes nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger import Keyed
from proxy.terms import Headers
from tests.ledger.keying import (
    OTHERS,
    SQUARE,
    Stream,
    hint,
    keyed,
    sent,
)


@pytest.mark.parametrize(
    ("body", "mapped"),
    [
        (b'{"amount":1}', b'{"idempotency_key":"k","amount":1}'),
        (b"{}", b'{"idempotency_key":"k"}'),
        (b" \r\n{ \n} ", b' \r\n{"idempotency_key":"k" \n} '),
        (b'{"a":{"idempotency_key":"x"}}', b'{"idempotency_key":"k","a":{"idempotency_key":"x"}}'),
        (b'{"a":1.10,"a":[{}]}', b'{"idempotency_key":"k","a":1.10,"a":[{}]}'),
    ],
)
def test_mapped_to_the_body_the_member_is_written_in_front(body: bytes, mapped: bytes) -> None:
    result = keyed(sent(b'"k"'), body, SQUARE)
    assert result.body == mapped
    assert result.headers == OTHERS


def test_a_key_in_the_body_is_the_caller_s_and_stays_as_it_is() -> None:
    body = b'{"a":1,"idempotency_key":"k"}'
    for headers in (OTHERS, sent(b'"k"')):
        result = keyed(headers, body, SQUARE)
        assert (result.headers, result.body) == (OTHERS, body)
        assert result.key is not None
        assert result.key.value == "k"


def test_a_signed_body_that_holds_its_key_already_is_left_alone() -> None:
    headers = (*OTHERS, (b"X-Signature", b"s"))
    assert keyed(headers, b'{"idempotency_key":"k"}', SQUARE).headers == headers


def test_a_field_and_a_member_that_differ_are_refused() -> None:
    assert "differ" in hint(sent(b"k"), b'{"idempotency_key":"j"}', SQUARE)


@pytest.mark.parametrize(
    "body",
    [
        b'{"idempotency_key":"k","idempotency_key":"k"}',
        b'{"idempotency_key":null,"idempotency_key":"k"}',
    ],
)
@pytest.mark.parametrize("headers", [OTHERS, sent(b"k")])
def test_a_member_that_stands_twice_is_refused(body: bytes, headers: Headers) -> None:
    assert "one idempotency key" in hint(headers, body, SQUARE)


@pytest.mark.parametrize("value", [b"1", b"1.5", b"true", b"[]", b"{}", b'""', b'"caf\\u00e9"'])
def test_a_member_that_is_no_key_is_refused(value: bytes) -> None:
    assert "printable ASCII" in hint(OTHERS, b'{"idempotency_key":%b}' % value, SQUARE)


def test_a_member_that_is_null_is_no_key_and_no_place_for_one() -> None:
    body = b'{"idempotency_key":null}'
    assert keyed(OTHERS, body, SQUARE).result == "missing"
    assert "null" in hint(sent(b"k"), body, SQUARE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"1",
        b"a=1",
        b'{"a":}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b"\x1f\x8b\x08",
        b"[" * 200_000,
        Stream(),
    ],
)
def test_a_body_that_cannot_take_the_key_is_refused_and_without_a_key_let_through(
    body: Any,
) -> None:
    assert "JSON object in UTF-8" in hint(sent(b"k"), body, SQUARE)
    result = keyed(OTHERS, body, SQUARE, generate=True)
    assert result == Keyed(OTHERS, body, None, "missing")


@pytest.mark.parametrize(
    "name",
    [
        b"Signature",
        b"Signature-Input",
        b"Content-Digest",
        b"Digest",
        b"X-Signature",
        b"Acme-Signature",
        b"Content-MD5",
        b"X-Amz-Content-Sha256",
        b"X-HMAC",
    ],
)
def test_a_body_that_is_covered_by_a_signature_is_not_mapped(name: bytes) -> None:
    assert "signature or digest" in hint((*sent(b"k"), (name, b"x")), rule=SQUARE)
    result = keyed((*OTHERS, (name, b"x")), rule=SQUARE, generate=True)
    assert result.result == "missing"


def test_asking_for_a_digest_is_no_digest() -> None:
    assert keyed((*sent(b"k"), (b"Want-Content-Digest", b"x")), rule=SQUARE).key is not None


MEMBERS = st.dictionaries(
    st.text().filter(lambda name: name != "idempotency_key"),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)


@given(MEMBERS, KEYS, st.booleans(), st.sampled_from([None, 2]))
def test_mapping_adds_one_member_and_changes_no_other_byte(
    members: dict[str, Any],
    value: str,
    escape: bool,
    indent: int | None,
) -> None:
    body = json.dumps(members, ensure_ascii=escape, indent=indent).encode("utf-8", "replace")
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    result = keyed(sent(quoted.encode()), body, SQUARE)
    assert isinstance(result.body, bytes)
    assert result.body.startswith(b"{")
    assert result.body.endswith(body[1:])
    assert json.loads(result.body) == json.loads(body) | {"idempotency_key": value}
