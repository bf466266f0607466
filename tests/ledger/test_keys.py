"""The caller's key reaches the provider where it reads one, whole or not at all."""

import re
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger import KeyRule
from proxy.terms import Key, RouteEffect
from tests.ledger.keying import (
    ASSUMED,
    OTHERS,
    PAYPAL,
    RULES,
    SAME,
    hint,
    keyed,
    sent,
)


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


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
def test_a_bare_key_is_read_as_it_stands_and_mapped_as_it_stands(value: str) -> None:
    if not value.startswith('"'):
        result = keyed(sent(value.encode()), rule=PAYPAL)
        assert result.headers[-1] == (b"PayPal-Request-Id", value.encode())
