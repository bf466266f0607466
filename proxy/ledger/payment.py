"""What a payment moves, read out of its request where the profile says it stands. Pure.

It is for people and for look-ups: nothing about safety rests on it. What could be a card number is
left out, wherever a caller has put it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from proxy.extract.clean import as_word
from proxy.extract.decode import read_text
from proxy.extract.document import read_document
from proxy.providers import Profile, compile_path
from proxy.terms import Headers
from proxy.terms.luhn import is_luhn

from .entry import NO_MONEY, Money
from .money import as_currency, as_major

MAX_REFERENCE: Final = 255
_RUN: Final = re.compile(r"\d(?:[ -]?\d){12,18}")

Find = Callable[[object], object]


def first_of(paths: Iterable[str]) -> Find:
    """Give what looks for the first of *paths* under which something stands."""
    finds = [compile_path(path) for path in paths]

    def find(tree: object) -> object:
        for each in finds:
            found = each(tree)
            if found is not None:
                return found
        return None

    return find


def as_reference(value: object) -> str | None:
    """Give a reference as text; None where it is none, or may be a card number."""
    text = as_word(value, MAX_REFERENCE)
    return None if text is None or _has_card(text) else text


@dataclass(frozen=True, slots=True)
class _Members:
    reference: Find
    amount: Find
    currency: Find
    amount_in: Literal["minor", "major"]


class Payments:
    """Reads requests of one provider. Compiled once; holds nothing of them."""

    __slots__ = ("_members",)

    def __init__(self, profile: Profile) -> None:
        self._members = {
            operation: _Members(
                first_of(members.reference),
                first_of(members.amount),
                first_of(members.currency),
                members.amount_in,
            )
            for members in reversed(profile.payments)  # the first that names an operation holds
            for operation in members.operations
        }

    def money_of(self, operation: str, headers: Headers, body: object) -> Money:
        """Give what a request moves, as far as it can be told. It never raises."""
        members = self._members.get(operation)
        if members is None or not isinstance(body, bytes):
            return NO_MONEY
        text = read_text(body, headers)
        if text is None:
            return NO_MONEY
        tree = read_document(text).tree
        currency = as_currency(members.currency(tree))
        return Money(
            as_major(members.amount(tree), currency, members.amount_in),
            currency,
            as_reference(members.reference(tree)),
        )


def _has_card(text: str) -> bool:
    return any(
        is_luhn([int(digit) for digit in run if digit.isdigit()]) for run in _RUN.findall(text)
    )
