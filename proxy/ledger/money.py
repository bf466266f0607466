"""Amounts as people and accounts write them: in major units, exact, the same for the same. Pure.

Rule 1: an amount that cannot be told for certain is none: minor units of a currency that is not in
        the table, a sign, a word.
Rule 2: equal amounts are equal texts: `10.50` and `1050` in cents are both `10.5`.
"""

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Final, Literal

_MAX_TEXT: Final = 40
_EXACT: Final = Context(prec=_MAX_TEXT)
_AMOUNT: Final = re.compile(r"\d{1,24}(?:\.\d{1,12})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_USUAL: Final = 2
# ISO 4217:2015, table A.1, as amended to 2026: those whose minor unit is not a hundredth.
_NO_DIGITS: Final = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
_THREE_DIGITS: Final = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DIGITS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(_NO_DIGITS, 0) | dict.fromkeys(_THREE_DIGITS, 3) | {"CLF": 4, "UYW": 4}
)


def as_currency(value: object) -> str | None:
    """Give a currency in the letters of ISO 4217; None where it is none."""
    if not isinstance(value, str):
        return None
    code = value.strip().upper()
    return code if _CURRENCY.fullmatch(code) else None


def as_major(
    value: object, currency: str | None, amount_in: Literal["minor", "major"]
) -> str | None:
    """Give an amount in major units; None where that cannot be told."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if isinstance(value, bool) or len(text) > _MAX_TEXT or not _AMOUNT.fullmatch(text):
        return None
    if amount_in == "minor" and currency is None:
        return None
    amount = _EXACT.create_decimal(text)
    if amount_in == "minor" and currency is not None:
        amount = amount.scaleb(-_DIGITS.get(currency, _USUAL), _EXACT)
    return _written(amount)


def _written(amount: Decimal) -> str:
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
