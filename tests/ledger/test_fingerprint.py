"""The same request, however it is spelt, and never another one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger.fingerprint import fingerprint, parse_ignored

BODY = b'{"amount": 10.50, "currency": "EUR", "to": {"iban": "X", "sent_at": "now"}}'


def of(body: bytes, *ignored: str) -> bytes:
    return fingerprint("POST", b"/pay", body, parse_ignored(ignored))


@pytest.mark.parametrize(
    "same",
    [
        b'{"currency":"EUR","to":{"sent_at":"now","iban":"X"},"amount":10.5}',
        b'{"amount": 105e-1, "currency": "\\u0045UR", "to": {"iban": "X", "sent_at": "now"}}',
        b'\xef\xbb\xbf{"amount": 10.500, "currency": "EUR", "to": {"iban": "X", "sent_at": "now"}}',
    ],
)
def test_json_is_compared_by_what_it_says(same: bytes) -> None:
    assert of(same) == of(BODY)


@pytest.mark.parametrize(
    "other",
    [
        BODY.replace(b"10.50", b"10.51"),
        BODY.replace(b"10.50", b'"10.50"'),
        BODY.replace(b"10.50", b'"10.5"'),
        BODY.replace(b"10.50", b'{"n": "10.5"}'),
        BODY.replace(b"10.50", b"true"),
        BODY.replace(b"EUR", b"eur"),
        BODY.replace(b'"amount"', b'"Amount"'),
        BODY.replace(b'{"iban"', b'{"amount": 1, "iban"'),
        b"[" + BODY + b"]",
        b'{"o": ' + BODY + b"}",
        BODY + b" " + BODY,
        b"",
    ],
)
def test_another_body_is_another_request(other: bytes) -> None:
    assert of(other) != of(BODY)


def test_numbers_of_any_length_are_told_apart() -> None:
    for one, other in [
        ("1" * 40, "1" * 39 + "2"),
        ("9" * 500, "9" * 501),
        ("1e999999", "1e999998"),
    ]:
        assert of(b"[%b]" % one.encode()) != of(b"[%b]" % other.encode())
    assert of(b"[0, -0.0, 1e2]") == of(b"[-0, 0e5, 100]")
    assert of(b"[1e9999999999999999999999]") != of(b"[1e9999999999999999999998]")
    assert of(b"[NaN]") != of(b"[Infinity]")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"a=1&b=2", b"b=2&a=1"),
        (b'{"a":1,"a":2}', b'{"a":2,"a":1}'),
        (b'{"a":1,"a":2}', b'{"a": 1, "a": 2}'),
        (b"1", b"1.0"),
        (b"[" * 100_000, b"[" * 100_001),
        (b'{"a":' * 700 + b"1" + b"}" * 700, b'{"a":' * 700 + b"1.0" + b"}" * 700),
    ],
)
def test_what_is_no_sound_json_is_compared_byte_for_byte(one: bytes, other: bytes) -> None:
    assert of(one) != of(other)
    assert of(one) == of(one)


def test_method_and_path_count_and_do_not_run_into_the_body() -> None:
    told = {
        fingerprint(method, target, body)
        for method, target, body in [
            ("POST", b"/pay", b"x"),
            ("PUT", b"/pay", b"x"),
            ("POST", b"/payx", b""),
            ("POST", b"/pay?a", b"x"),
            ("POSTT", b"/pay", b"x"),
        ]
    }
    assert len(told) == 5


def test_members_that_change_by_themselves_can_be_left_out() -> None:
    later = BODY.replace(b'"now"', b'"later"')
    assert of(later, "to.sent_at") == of(BODY, "to.sent_at")
    assert of(later) != of(BODY)
    without = b'{"amount": 10.5, "currency": "EUR", "to": {"iban": "X"}}'
    assert of(without, "to.sent_at", "not.there.at.all") == of(BODY, "to.sent_at")


@pytest.mark.parametrize(
    "path", ["amount", "order.totalAmount", "currency", "card.number", "to_iban", "a.destination"]
)
def test_what_a_payment_is_always_counts(path: str) -> None:
    with pytest.raises(ValueError, match="always counts"):
        parse_ignored([path])


@pytest.mark.parametrize(
    "path",
    ["", "a[0]", "a..b", "*", "a.", "é", "a[*]", "@", "a[?b].c", "a[].b", "a[1:2].b", "length(a)",
     "a | b", "[a, b]", "a && b", "`1`", "{a: b}"],
)  # fmt: skip
def test_a_path_says_where_a_member_stands(path: str) -> None:
    with pytest.raises(ValueError, match="is no JMESPath of a member"):
        parse_ignored([path])


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("a[0].t", {"a": [{"n": 1}, {"t": 2, "n": 2}, 3], "o": {"x": {"t": 4, "m": 1}}, "l-t": 5}),
        ("a[-2].t", {"a": [{"t": 1, "n": 1}, {"n": 2}, 3], "o": {"x": {"t": 4, "m": 1}}, "l-t": 5}),
        ("a[*].t", {"a": [{"n": 1}, {"n": 2}, 3], "o": {"x": {"t": 4, "m": 1}}, "l-t": 5}),
        ("o.*.t", {"a": [{"t": 1, "n": 1}, {"t": 2, "n": 2}, 3], "o": {"x": {"m": 1}}, "l-t": 5}),
        ("*.x.t", {"a": [{"t": 1, "n": 1}, {"t": 2, "n": 2}, 3], "o": {"x": {"m": 1}}, "l-t": 5}),
        ("a[0].n", {"a": [{"t": 1}, {"t": 2, "n": 2}, 3], "o": {"x": {"t": 4, "m": 1}}, "l-t": 5}),
        ('"l-t"', {"a": [{"t": 1, "n": 1}, {"t": 2, "n": 2}, 3], "o": {"x": {"t": 4, "m": 1}}}),
    ],
)
def test_members_are_named_by_jmespath(path: str, left: object) -> None:
    body = {
        "a": [{"t": 1, "n": 1}, {"t": 2, "n": 2}, 3], "o": {"x": {"t": 4, "m": 1}}, "l-t": 5,
    }  # fmt: skip
    told = of(json.dumps(body).encode(), path)
    assert told == of(json.dumps(left).encode())
    assert told != of(json.dumps(body).encode())
    beside = ("q", "a.t", "a[7].t", "o[0].t", "o[*].t", "a.*.t")
    assert of(json.dumps(body).encode(), *beside) == of(json.dumps(body).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), JSON), st.dictionaries(st.text(), JSON))
def test_two_documents_have_one_fingerprint_only_where_they_are_equal(
    one: object, other: object
) -> None:
    # Python takes True for 1: compare what JSON writes.
    is_same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (of(json.dumps(one).encode()) == of(json.dumps(other, indent=1).encode())) is is_same


@pytest.mark.parametrize("path", ["order", "lines"])
def test_what_holds_other_members_always_counts(path: str) -> None:
    one = b'{"order": {"sum": 10}, "lines": [1]}'
    other = b'{"order": {"sum": 99}, "lines": [2]}'
    assert of(one, path) != of(other, path)


@pytest.mark.parametrize("path", ["to", "pay.pan", "receiver", "upi_id", "payment_method"])
def test_a_destination_is_never_left_out(path: str) -> None:
    with pytest.raises(ValueError, match="always counts"):
        parse_ignored([path])
