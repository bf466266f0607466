"""Amounts as people and accounts write them: in major units, exact, the same for the same. Pure.

Rule 1: an amount that cannot be told for certain is none: minor units of a currency that is not in
        the table, a sign, a word, more digits than a number of JSON keeps.
Rule 2: equal amounts are equal texts: `10.50` and `1050` in cents are both `10.5`.
"""

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Final, Literal

_MAX_TEXT: Final = 40
_MAX_INT: Final = 10**24
_FLOAT_DIGITS: Final = 15  # as many as every float of 64 bits keeps (IEEE 754)
_EXACT: Final = Context(prec=_MAX_TEXT)
_AMOUNT: Final = re.compile(r"[0-9]{1,24}(?:\.[0-9]{1,12})?")
# ISO 4217:2015, table A.1, as amended to 2026: by the digits of their minor unit.
_CODES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        2: """
            AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP
            BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD
            FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
            KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD
            NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
            SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
            VES WST XAD XCD XCG YER ZAR ZMW ZWG
        """,
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }
)
_DIGITS: Final[Mapping[str, int]] = MappingProxyType(
    {code: digits for digits, codes in _CODES.items() for code in codes.split()}
)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def as_currency(value: object) -> str | None:
    """Give a currency in the letters of ISO 4217; None where it is none."""
    if not isinstance(value, str) or not value.isascii():
        return None
    code = value.strip().upper()
    return code if _CURRENCY.fullmatch(code) else None


def as_major(
    value: object, currency: str | None, amount_in: Literal["minor", "major"]
) -> str | None:
    """Give an amount in major units; None where that cannot be told."""
    text = _digits(value)
    if len(text) > _MAX_TEXT or not _AMOUNT.fullmatch(text):
        return None
    amount = _EXACT.create_decimal(text)
    if amount_in == "minor":
        digits = None if currency is None else _DIGITS.get(currency)
        if digits is None:
            return None
        amount = amount.scaleb(-digits, _EXACT)
    return _written(amount)


def _digits(value: object) -> str:
    """Give a number as it is written; nothing where it is none, or not exact."""
    match value:
        case str():
            return value.strip()
        case bool():
            return ""
        case int():
            return str(value) if 0 <= value < _MAX_INT else ""
        case float():
            text = str(value)
            return text if len(text.replace(".", "").strip("0")) <= _FLOAT_DIGITS else ""
        case _:
            return ""


def _written(amount: Decimal) -> str:
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
