"""What a payment moves, read out of its request."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger.entry import NO_MONEY, Money
from proxy.ledger.payment import Payments, as_reference
from proxy.providers import load

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
        (None, None),
        ({}, None),
        ("x" * 2000, None),
    ],
)
def test_no_card_number_is_taken_for_a_reference(reference: object, told: str | None) -> None:
    assert as_reference(reference) == told


@given(st.binary(max_size=300))
def test_no_body_is_too_strange(given: bytes) -> None:
    assert isinstance(SIM.money_of("create_payment", (), given), Money)
