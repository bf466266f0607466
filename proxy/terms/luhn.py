"""The check digit of a card number."""

from collections.abc import Sequence
from typing import Final

_DOUBLED_MAX: Final = 9


def is_luhn(digits: Sequence[int]) -> bool:
    """Whether the last of *digits* is their right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - _DOUBLED_MAX if doubled > _DOUBLED_MAX else doubled
    return total % 10 == 0
