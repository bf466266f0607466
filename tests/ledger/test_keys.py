"""The caller's key reaches the provider where it reads one, whole or not at all."""

import json
import re
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger import Keyed, KeyRule, apply
from proxy.terms import Headers, Key, Refusal, Refused, RouteEffect, StreamEnd

SAME = KeyRule("header", "idempotency-key", is_honoured=True, covers_failures=True, ttl_s=60)
PAYPAL = KeyRule("header", "PayPal-Request-Id", is_honoured=True, covers_failures=False)
SQUARE = KeyRule("body", "idempotency_key", is_honoured=True, covers_failures=True)
ASSUMED = KeyRule("header", "X-Key", is_honoured=False, covers_failures=False)
RULES = [None, SAME, PAYPAL, SQUARE, ASSUMED]


class Stream:
    length = None

    async def read(self) -> bytes | StreamEnd:
        return StreamEnd.WHOLE


def run(
    headers: Headers = (), body: Any = b'{"amount":1}', rule: KeyRule | None = SAME, **members: Any
) -> Keyed | Refused:
    base: dict[str, Any] = {
        "effect": RouteEffect.PAYMENT,
        "method": "POST",
        "require": False,
        "generate": False,
        "now": 1000.0,
        "new_id": lambda: "gen-1",
    }
    return apply(headers, body, rule=rule, **(base | members))


def keyed(*given: Any, **members: Any) -> Keyed:
    result = run(*given, **members)
    assert isinstance(result, Keyed)
    return result


def hint(*given: Any, **members: Any) -> str:
    result = run(*given, **members)
    assert isinstance(result, Refused)
    assert result.reason is Refusal.MALFORMED
    assert result.hint
    return result.hint


def sent(value: bytes, name: bytes = b"Idempotency-Key") -> Headers:
    return ((b"A", b"1"), (name, value), (b"B", b"2"))


OTHERS = ((b"A", b"1"), (b"B", b"2"))


# The caller's key, under the provider's own name


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"abc", "abc"),
        (b'"abc"', "abc"),
        (b' "abc" ', "abc"),
        (rb'"a\"b\\c"', 'a"b\\c'),
        (b'a"b', 'a"b'),
        (b"a, b", "a, b"),
        (b"x" * 255, "x" * 255),
    ],
)
@pytest.mark.parametrize("rule", [SAME, None])
def test_under_its_own_name_the_raw_bytes_go_on_and_the_value_is_decoded(
    raw: bytes, value: str, rule: KeyRule | None
) -> None:
    result = keyed(sent(raw), rule=rule)
    assert result.headers == sent(raw)
    assert result.key is not None
    assert result.key.value == value
    assert result.result == "new"


def test_a_key_carries_what_the_provider_s_promise_is_worth() -> None:
    assert keyed(sent(b"k")).key == Key(
        value="k", is_honoured=True, covers_failures=True, is_generated=False, usable_until=1060.0
    )
    assert keyed(sent(b"k"), rule=PAYPAL).key == Key(
        value="k", is_honoured=True, covers_failures=False, is_generated=False, usable_until=inf
    )


def test_a_key_that_nobody_is_known_to_read_licenses_nothing() -> None:
    for rule in (None, ASSUMED):
        key = keyed(sent(b"k"), rule=rule).key
        assert key is not None
        assert (key.is_honoured, key.covers_failures) == (False, False)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  ",
        b'""',
        b'"abc',
        b'"a"b"',
        b'"abc";x=1',
        b'"a", "b"',
        rb'"a\nb"',
        b'" abc"',
        b'"abc "',
        b"a\tb",
        b"a\x00b",
        b"a\x7fb",
        b"caf\xc3\xa9",
        b'"caf\xe9"',
        b"x" * 256,
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_a_key_that_is_none_is_refused_and_never_repeated(raw: bytes, rule: KeyRule | None) -> None:
    text = hint(sent(raw), rule=rule)
    assert "1 to 255 printable ASCII" in text
    assert not raw.strip() or raw.decode("latin-1") not in text


def test_a_key_that_does_not_fit_the_provider_s_rule_is_refused() -> None:
    rule = KeyRule(
        "header",
        "Idempotency-Key",
        is_honoured=True,
        covers_failures=True,
        max_length=4,
        charset=re.compile("[0-9a-f-]+"),
    )
    assert keyed(sent(b"0-ff"), rule=rule).key is not None
    for raw in (b"0-fff", b"xyz", b"0\n"):
        assert hint(sent(raw), rule=rule) == (
            "an idempotency key is 1 to 4 printable ASCII characters that match [0-9a-f-]+"
        )


# Mapped to another field


@pytest.mark.parametrize(("raw", "value"), [(b"abc", b"abc"), (rb'"a\"b"', b'a"b')])
def test_mapped_to_another_field_the_decoded_value_is_sent_and_ours_is_not(
    raw: bytes, value: bytes
) -> None:
    result = keyed(sent(raw), rule=PAYPAL)
    assert result.headers == (*OTHERS, (b"PayPal-Request-Id", value))
    assert result.body == b'{"amount":1}'


def test_a_key_in_the_provider_s_own_field_is_the_caller_s_and_stays_as_it_is() -> None:
    headers = sent(b'"k"', b"paypal-request-id")
    result = keyed(headers, rule=PAYPAL)
    assert result.headers == headers
    assert result.key is not None
    assert result.key.value == '"k"'


def test_the_same_key_in_both_fields_is_sent_once() -> None:
    headers = (*sent(b"k", b"PAYPAL-request-id"), (b"idempotency-KEY", b'"k"'))
    assert keyed(headers, rule=PAYPAL).headers == sent(b"k", b"PAYPAL-request-id")


def test_two_fields_that_differ_are_refused() -> None:
    headers = (*sent(b"k", b"PayPal-Request-Id"), (b"Idempotency-Key", b"j"))
    assert "differ" in hint(headers, rule=PAYPAL)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("effect", RouteEffect)
def test_a_second_line_is_refused_even_where_it_says_the_same(
    rule: KeyRule | None, effect: RouteEffect
) -> None:
    headers = ((b"Idempotency-Key", b"k"), (b"idempotency-key", b"k"))
    assert "one idempotency key" in hint(headers, rule=rule, effect=effect)


def test_a_second_line_of_the_provider_s_field_is_refused() -> None:
    headers = ((b"PayPal-Request-Id", b"k"), (b"paypal-request-id", b"k"))
    assert "one idempotency key" in hint(headers, rule=PAYPAL)
    assert keyed(headers, rule=SAME).headers == headers


# Mapped to a member of the body


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
    escape: bool,  # noqa: FBT001
    indent: int | None,
) -> None:
    body = json.dumps(members, ensure_ascii=escape, indent=indent).encode("utf-8", "replace")
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    result = keyed(sent(quoted.encode()), body, SQUARE)
    assert isinstance(result.body, bytes)
    assert result.body.startswith(b"{")
    assert result.body.endswith(body[1:])
    assert json.loads(result.body) == json.loads(body) | {"idempotency_key": value}


@given(KEYS)
def test_a_bare_key_is_read_as_it_stands_and_mapped_as_it_stands(value: str) -> None:
    if not value.startswith('"'):
        result = keyed(sent(value.encode()), rule=PAYPAL)
        assert result.headers[-1] == (b"PayPal-Request-Id", value.encode())


# No key


@pytest.mark.parametrize(
    ("rule", "effect", "result"),
    [
        (SAME, RouteEffect.PAYMENT, "missing"),
        (SAME, RouteEffect.IDEMPOTENT, "none"),
        (SAME, RouteEffect.READ, "none"),
        (None, RouteEffect.PAYMENT, "none"),
    ],
)
def test_a_request_without_a_key_goes_on_as_it_came(
    rule: KeyRule | None, effect: RouteEffect, result: str
) -> None:
    assert keyed(OTHERS, b"x", rule, effect=effect) == Keyed(OTHERS, b"x", None, result)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("generate", [True, False])
def test_a_payment_without_a_key_is_refused_where_one_is_required(
    rule: KeyRule | None,
    generate: bool,  # noqa: FBT001
) -> None:
    refused = run(OTHERS, rule=rule, require=True, generate=generate)
    assert refused == Refused(reason=Refusal.KEY_MISSING)


@pytest.mark.parametrize("effect", [RouteEffect.READ, RouteEffect.IDEMPOTENT])
def test_only_a_payment_needs_a_key(effect: RouteEffect) -> None:
    assert keyed(OTHERS, effect=effect, require=True).key is None


def test_a_stream_that_may_hold_the_key_is_refused_with_the_reason() -> None:
    refused = run(OTHERS, Stream(), SQUARE, require=True)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.KEY_MISSING
    assert refused.hint


@pytest.mark.parametrize(
    ("rule", "headers", "body"),
    [
        (SAME, (*OTHERS, (b"idempotency-key", b"gen-1")), b'{"a":1}'),
        (PAYPAL, (*OTHERS, (b"PayPal-Request-Id", b"gen-1")), b'{"a":1}'),
        (SQUARE, OTHERS, b'{"idempotency_key":"gen-1","a":1}'),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_generated_key_is_put_where_the_provider_reads_it(
    rule: KeyRule, headers: Headers, body: bytes, method: str
) -> None:
    result = keyed(OTHERS, b'{"a":1}', rule, generate=True, method=method)
    assert (result.headers, result.body, result.result) == (headers, body, "generated")
    assert result.key is not None
    assert result.key.is_generated
    assert result.key.value == "gen-1"


@pytest.mark.parametrize(
    "members",
    [
        {"rule": None},
        {"rule": ASSUMED},
        {"method": "PUT", "effect": RouteEffect.IDEMPOTENT},
        {"method": "FOO"},
        {"effect": RouteEffect.READ},
        {"new_id": lambda: "x" * 256},
    ],
)
def test_no_key_is_generated_where_it_would_promise_nothing(members: dict[str, Any]) -> None:
    result = keyed(OTHERS, generate=True, **members)
    assert result.key is None
    assert result.headers == OTHERS


def test_the_caller_s_key_is_never_replaced_by_a_generated_one() -> None:
    result = keyed(sent(b"k"), generate=True)
    assert result.key is not None
    assert not result.key.is_generated


@pytest.mark.parametrize("rule", RULES)
def test_a_read_takes_its_key_along_untouched(rule: KeyRule | None) -> None:
    headers = sent(b'"not a key')
    result = keyed(headers, b"x", rule, effect=RouteEffect.READ, generate=True, require=True)
    assert result == Keyed(headers, b"x", None, "none")
