"""Amounts: exact, in major units, and none where that cannot be told."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger.money import as_currency, as_major


@pytest.mark.parametrize(
    ("value", "currency", "amount_in", "major"),
    [
        (1050, "EUR", "minor", "10.5"),
        ("1050", "EUR", "minor", "10.5"),
        (1050, "JPY", "minor", "1050"),
        (1050, "KWD", "minor", "1.05"),
        (10500, "CLF", "minor", "1.05"),
        (100, "EUR", "minor", "1"),
        (1, "EUR", "minor", "0.01"),
        ("10.50", "EUR", "major", "10.5"),
        (10.5, "EUR", "major", "10.5"),
        ("10.5", None, "major", "10.5"),
        (0, "EUR", "minor", "0"),
        (1050, "XYZ", "major", "1050"),
        ("0010.50", "EUR", "major", "10.5"),
        (" 1050\n", "EUR", "minor", "10.5"),
        (1050.0, "EUR", "minor", "10.5"),
        (1050, None, "minor", None),
        (1050, "XYZ", "minor", None),  # nobody says how many digits its minor unit has
        (1050, "XAU", "minor", None),
        (-5, "EUR", "minor", None),
        (float("nan"), "EUR", "major", None),
        (float("inf"), "EUR", "major", None),
        (1234567890123456.75, "EUR", "major", None),  # it is not sure which number was sent
        (1e300, "EUR", "major", None),
        (10**24, "EUR", "minor", None),
        pytest.param(10**5000, "EUR", "minor", None, id="huge"),
        (True, "EUR", "minor", None),
        (None, "EUR", "minor", None),
        ("-5", "EUR", "minor", None),
        ("1,50", "EUR", "major", None),
        ("1e3", "EUR", "minor", None),
        ("nan", "EUR", "minor", None),
        ("", "EUR", "minor", None),
        ("\u0661\u0662", "EUR", "minor", None),
        ("\ud800", "EUR", "minor", None),
        ("9" * 25, "EUR", "minor", None),
        ("9" * 5000, "EUR", "minor", None),
        ([1], "EUR", "minor", None),
    ],
)
def test_an_amount_is_told_in_major_units(
    value: object, currency: str | None, amount_in: str, major: str | None
) -> None:
    assert as_major(value, currency, amount_in) == major  # type: ignore[arg-type]


@given(st.integers(0, 10**20))
def test_minor_and_major_units_of_one_amount_are_the_same(cents: int) -> None:
    written = f"{cents // 100}.{cents % 100:02}"
    assert as_major(cents, "EUR", "minor") == as_major(written, "EUR", "major")


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    st.none() | st.sampled_from(["EUR", "JPY", "KWD", "CLF", "XYZ"]),
    st.sampled_from(["minor", "major"]),
)
def test_what_is_told_is_told_the_same_again(
    value: object, currency: str | None, amount_in: Literal["minor", "major"]
) -> None:
    told = as_major(value, currency, amount_in)
    assert told is None or as_major(told, currency, "major") == told


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("eur", "EUR"),
        (" USD ", "USD"),
        ("EURO", None),
        ("E1R", None),
        ("", None),
        (978, None),
        ("\u0131dr", None),  # in capitals it would be IDR
    ],
)
def test_a_currency_has_the_letters_of_iso_4217(value: object, currency: str | None) -> None:
    assert as_currency(value) == currency
