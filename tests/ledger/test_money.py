"""Amounts: exact, in major units, and none where that cannot be told."""

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
        (1050, None, "minor", None),
        (True, "EUR", "minor", None),
        (None, "EUR", "minor", None),
        ("-5", "EUR", "minor", None),
        ("1,50", "EUR", "major", None),
        ("1e3", "EUR", "minor", None),
        ("nan", "EUR", "minor", None),
        ("", "EUR", "minor", None),
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


@pytest.mark.parametrize(
    ("value", "currency"),
    [("eur", "EUR"), (" USD ", "USD"), ("EURO", None), ("E1R", None), ("", None), (978, None)],
)
def test_a_currency_has_the_letters_of_iso_4217(value: object, currency: str | None) -> None:
    assert as_currency(value) == currency
