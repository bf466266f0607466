"""What a payment moves, read out of its request."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.extract.decode import MAX_READ
from proxy.ledger.entry import NO_MONEY, Money
from proxy.ledger.payment import Payments, as_reference
from proxy.providers import load, parse

SIM = Payments(load("sim"))
STRIPE = Payments(load("stripe"))


def body(**members: object) -> bytes:
    return json.dumps(members).encode()


def test_it_is_read_where_the_profile_says() -> None:
    money = SIM.money_of(
        "create_payment", (), body(amount=1050, currency="eur", reference="order-1")
    )
    assert money == Money("10.5", "EUR", "order-1")


def test_a_form_is_read_as_well() -> None:
    form = (b"Content-Type", b"application/x-www-form-urlencoded")
    money = STRIPE.money_of("create_charge", (form,), b"amount=1050&currency=usd&source=tok_1")
    assert (money.amount, money.currency) == ("10.5", "USD")


ACME = Payments(
    parse(
        """
version: 1
name: acme
title: Acme
routes: [{name: pay, match: POST /pay, effect: payment, grade: assumed, evidence: https://a.b}]
payments:
  - {operations: pay, reference: ['"metadata[order]"', pay.order], amount: [amount, pay.amount],
     currency: [currency, pay.currency], amount_in: major, grade: documented, evidence: https://a.b}
""",
        name="acme",
    )
)


def test_members_of_a_form_have_brackets() -> None:
    form = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
    money = ACME.money_of("pay", form, b"amount=10.50&currency=usd&metadata%5Border%5D=order-1")
    assert money == Money("10.5", "USD", "order-1")


def test_xml_is_read_as_well() -> None:
    xml = b"<pay><order>order-1</order><amount>10.50</amount><currency>USD</currency></pay>"
    assert ACME.money_of("pay", (), xml) == Money("10.5", "USD", "order-1")


def test_no_card_number_is_taken_for_an_amount() -> None:
    for amount in (4111111111111111, "4111111111111111", 41111111111111.11):
        money = ACME.money_of("pay", (), body(amount=amount, currency="USD"))
        assert money == Money(None, "USD", None)


def test_half_a_body_says_nothing() -> None:
    form = b"amount=10&currency=usd&note="
    whole = form + b"x" * (MAX_READ - len(form) - 1)
    assert ACME.money_of("pay", (), whole).amount == "10"
    assert ACME.money_of("pay", (), whole + b"xx") == NO_MONEY
    packed = ((b"Content-Encoding", b"gzip"),)
    assert ACME.money_of("pay", packed, gzip.compress(whole)).amount == "10"
    assert ACME.money_of("pay", packed, gzip.compress(whole + b"xx")) == NO_MONEY


@pytest.mark.parametrize(
    "strange",
    [
        b'{"amount": 1e999, "currency": "EUR", "reference": "\\ud800"}',
        b'{"amount": ' + b"9" * 5000 + b', "reference": ' + b"9" * 5000 + b"}",
        b'{"amount": NaN, "currency": ["EUR"], "reference": {}}',
        b'{"data":' * 2000,
        b"[" * 100_000,
    ],
)
def test_nothing_is_taken_from_what_is_hostile(strange: bytes) -> None:
    money = SIM.money_of("create_payment", (), strange)
    assert (money.amount, money.reference) == (None, None)


@pytest.mark.parametrize(
    ("operation", "given"),
    [("get_payment", body(amount=1)), ("create_payment", b""), ("create_payment", None)],
)
def test_nothing_is_read_of_what_says_nothing(operation: str, given: object) -> None:
    assert SIM.money_of(operation, (), given) == NO_MONEY


def test_what_cannot_be_unpacked_says_nothing() -> None:
    packed = ((b"Content-Encoding", b"br"),)
    assert SIM.money_of("create_payment", packed, b"\x0b\x02") == NO_MONEY


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("order 17", "order 17"),
        (17, "17"),
        ("4111111111111111", None),
        ("pay 4111 1111 1111 1111 now", None),
        ("4111111111111112", "4111111111111112"),
        ("order-17-4111111111111111", None),
        ("order 2026 4111 1111 1111 1111", None),
        ("4111.1111.1111.1111", None),
        ("\u0664" + "\u0661" * 15, None),
        ("1" * 20, "1" * 20),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
        ("", None),
        (True, None),
        (1.5, None),
        pytest.param(10**5000, None, id="huge"),
        # What a person should not see is nobody's reference.
        ("cvv 123", None),
        ("order_test_17", "order_test_17"),
        ("sk_test_17", None),
        ("token=abc", None),
        ("https://me:pw@host", None),
        ("order%2017", None),
        ("spin-2024-11-23", "spin-2024-11-23"),
        # Cleaned, each of these would be another payment's.
        (" order-1", None),
        ("a  b", None),
        ("order<b>", None),
        ("order\x00", None),
        ("order\ud800", None),
        (None, None),
        ({}, None),
        ("x" * 2000, None),
    ],
)
def test_a_reference_is_taken_as_it_stands_or_not_at_all(
    reference: object, told: str | None
) -> None:
    assert as_reference(reference) == told


@given(st.binary(max_size=300))
def test_no_body_is_too_strange(given: bytes) -> None:
    assert isinstance(SIM.money_of("create_payment", (), given), Money)
