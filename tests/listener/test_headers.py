"""Which fields cross the proxy."""

import pytest

from proxy.listener.headers import HOP_BY_HOP, answered, forwarded
from proxy.terms import Refusal, Refused

VIA = (b"Via", b"1.1 paysluice")


@pytest.mark.item(42, 51)
@pytest.mark.parametrize(
    "name",
    [
        *sorted(HOP_BY_HOP - {b"connection"}),
        b"Host",
        b"Content-Length",
        b"Forwarded",
        b"X-Real-IP",
        b"x-forwarded-for",
        b"Paysluice-Retry",
        b"PAYSLUICE-X",
    ],
)
def test_a_field_of_our_hop_stays_behind(name: bytes) -> None:
    assert forwarded(((name, b"x"), (b"X-Kept", b"y"))) == ((b"X-Kept", b"y"), VIA)


@pytest.mark.item(42)
def test_what_connection_names_goes_with_it() -> None:
    headers = ((b"Connection", b"close, X-A ,x-b"), (b"connection", b"X-C"))
    named = ((b"x-a", b"1"), (b"X-B", b"2"), (b"X-C", b"3"), (b"X-D", b"4"))
    assert forwarded(headers + named) == ((b"X-D", b"4"), VIA)


@pytest.mark.item(43, 99)
@pytest.mark.parametrize(
    "name",
    [
        b"Host",
        b"Authorization",
        b"Cookie",
        b"traceparent",
        b"Early-Data",
        b"Cache-Control",
        b"Content-Type",
        b"Content-Length",
        b"Idempotency-Key",
        b"Idempotence-Key",
        b"X-Idempotency-Key",
        b"PayPal-Request-Id",
    ],
)
def test_connection_may_not_take_away_what_a_payment_rests_on(name: bytes) -> None:
    refused = forwarded(((b"Connection", b"keep-alive, " + name), (name, b"x")))
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.MALFORMED
    assert refused.hint is not None
    assert name.decode() not in refused.hint


@pytest.mark.item(49)
def test_via_is_one_field_with_ours_last() -> None:
    headers = ((b"Via", b"1.0 a"), (b"X", b"y"), (b"via", b"1.1 b (c)"))
    assert forwarded(headers) == ((b"X", b"y"), (b"Via", b"1.0 a, 1.1 b (c), 1.1 paysluice"))


@pytest.mark.item(29)
@pytest.mark.parametrize(
    ("via", "is_loop"),
    [
        (b"1.1 paysluice", True),
        (b"1.1 PAYSLUICE (comment)", True),
        (b"1.0 a,1.1 paysluice", True),
        (b"1.1 paysluice-2", False),
        (b"paysluice", False),
        (b"", False),
        (b"1.1 a (paysluice)", False),
    ],
)
def test_our_own_pseudonym_coming_back_is_a_loop(via: bytes, is_loop: bool) -> None:
    outcome = forwarded(((b"Via", via),))
    assert isinstance(outcome, Refused) is is_loop


@pytest.mark.item(45)
def test_order_case_and_repeats_are_kept_both_ways() -> None:
    headers = ((b"X-b", b"2"), (b"x-A", b"1"), (b"X-B", b"2"), (b"Set-Cookie", b"a\xff"))
    assert forwarded(headers) == (*headers, VIA)
    assert answered(headers) == headers


@pytest.mark.item(42)
def test_an_answer_loses_its_framing_its_hop_and_what_claims_to_be_ours() -> None:
    headers = (
        (b"Connection", b"X-Hop"),
        (b"X-Hop", b"1"),
        (b"Content-Length", b"5"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Trailer", b"X"),
        (b"Paysluice-Outcome", b"declined"),
        (b"Via", b"1.1 x"),
        (b"Host", b"kept: it means nothing in an answer"),
    )
    assert answered(headers) == headers[-2:]


@pytest.mark.item(48)
def test_a_control_in_an_answer_becomes_a_space_and_a_tab_stays() -> None:
    value = bytes(range(0x21)) + b"\x7f\x80\xff"
    ((_, told),) = answered(((b"X", value),))
    assert told == b" " * 9 + b"\t" + b" " * 23 + b" \x80\xff"


@pytest.mark.item(43)
def test_the_field_of_the_providers_key_may_not_be_taken_away() -> None:
    headers = ((b"Connection", b"x-my-key"), (b"X-My-Key", b"k"))
    assert isinstance(forwarded(headers, key_name=b"x-my-key"), Refused)
    assert forwarded(headers) == (VIA,)
