"""What a payment moves, read out of its request where the profile says it stands. Pure.

Rules:

1. A reference is taken as it stands or not at all: one that is cleaned or cut could be another's,
   and whoever asks by it would hear of another payment.
2. What could be a card number is left out, wherever a caller has put it: groups of digits, one or
   more of them together, that have 13 to 19 digits and a right Luhn digit. That costs one in ten of
   the merchants' own numbers that long: these are settled by a person. So is what names a card's
   code or a password, or looks like a provider's key: a reference is shown to the operator.
3. Of a body that is not read whole nothing is known: what is cut off may be half a number.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

from msgspec import Struct

from proxy.extract.clean import clean
from proxy.extract.decode import MAX_READ, read_text
from proxy.extract.document import read_document
from proxy.providers import Profile, compile_path
from proxy.terms import Headers
from proxy.terms.luhn import is_luhn

from .entry import NO_MONEY, Money
from .money import as_currency, as_major

MAX_REFERENCE: Final = 255
_MAX_INT: Final = 10**64
_MIN_CARD: Final = 13
_MAX_CARD: Final = 19
# Groups of digits with at most three signs between them, as people write a card number.
_RUN: Final = re.compile(r"\d+(?:[\W_]{1,3}\d+)*")
_GROUP: Final = re.compile(r"\d+")
_SECRET: Final = re.compile(
    r"(?i)(?<![a-z])(?:cvv|cvc|cvn|csc|pin|(?:security|verification)[ _-]?(?:code|value))2?"
    r"\W{1,6}\d{3,6}\b"
    r"|\b(?:[sr]k|[a-z]{0,12}key|secret)_(?:live|test|prod|sandbox)_|\bwhsec_|\beyJ[\w-]{8,}\."
    r"|\b(?:bearer|basic|digest)(?:\s|%20|\+)|(?:key|token|secret|password|passwd)[\"']?\s*[:=]"
    r"|://[^/\s@]*@"
)
# What is written in the codes of URLs, HTML or JSON may be anything.
_IN_CODE: Final = re.compile(r"%[0-9a-fA-F]{2}|&#|&[a-z]{2,6};|\\")

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
    """Give a reference as it stands; None where it is none, or may be what nobody may see."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_INT:
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_REFERENCE:
        return None
    return value if clean(value) == value and not is_telling(value) else None


def is_telling(text: str) -> bool:
    """Whether *text* may hold a card number, a card's code, a password or a key."""
    return has_card(text) or _SECRET.search(text) is not None or _IN_CODE.search(text) is not None


def has_card(text: str) -> bool:
    """Whether *text* may hold a card number."""
    return any(is_luhn([int(digit) for digit in number]) for number in _numbers(text))


def _numbers(text: str) -> Iterator[str]:
    """Give what is as long as a card number, of groups of digits that stand together."""
    for run in _RUN.findall(text):
        groups = _GROUP.findall(run)
        for start in range(len(groups)):
            number = ""
            for group in groups[start:]:
                number += group
                if len(number) > _MAX_CARD:
                    break
                if len(number) >= _MIN_CARD:
                    yield number


class _Members(Struct, frozen=True):
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
        if members is None or not isinstance(body, bytes) or len(body) > MAX_READ:
            return NO_MONEY
        text = read_text(body, headers)
        if text is None or len(text) >= MAX_READ:
            return NO_MONEY
        tree = read_document(text).tree
        currency = as_currency(members.currency(tree))
        given = members.amount(tree)
        amount = as_major(given, currency, members.amount_in)
        is_card = amount is not None and has_card(str(given))
        return Money(None if is_card else amount, currency, as_reference(members.reference(tree)))
