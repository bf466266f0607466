"""What a provider says of a payment that was asked for: a look-up's records, or a webhook's. Pure.

Rules:

1. Only one record settles: with two of a reference nobody can say which one is ours, even where
   only one has our amount: the other may be ours, changed or paid in part. So nothing settles
   either where there are more records than are read: the other one may be among the rest.
2. It settles only what it matches: reference, amount and currency, all three known on both sides,
   and made no earlier than we sent, to the second. A payment of yesterday with the same reference
   is another one; so is one of which nobody says when it was made, or in which zone.
3. Only a terminal state settles. One that is still under way, or that nobody describes, does not.
4. Not found never settles: a provider may find tomorrow what it does not find today.
5. An event speaks of the operations that it is for: of a refund's reference and amount there may be
   a payment.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote

from msgspec import Struct

from proxy.providers.dealings import Lookup, WebhookEvents

from .decide import Said
from .entry import Entry
from .money import as_currency, as_major
from .payment import as_reference, first_of

MAX_RECORDS: Final = 100
_MAX_TARGET: Final = 2_000
_MILLISECONDS: Final = 100_000_000_000.0  # seconds since the epoch are below until the year 5138
# RFC 3339 section 5.6. Without an offset it could be any of 26 hours.
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_EPOCH: Final = re.compile(r"[0-9]{1,13}")


class Found(Struct, frozen=True):
    """One payment, as the provider tells of it."""

    reference: str | None
    amount: str | None  # in major units
    currency: str | None
    created_at: float | None  # seconds since the Unix epoch
    said: Said | None  # None: not decided, or in words that nobody described
    operations: tuple[str, ...] = ()  # what it is a record of; none: of whatever was asked for


class Records:
    """Reads the records of one look-up, or of one provider's webhooks."""

    __slots__ = (
        "_amount",
        "_amount_in",
        "_created",
        "_currency",
        "_operations",
        "_records",
        "_reference",
        "_said",
        "_status",
    )

    def __init__(self, rule: Lookup | WebhookEvents) -> None:
        self._operations = rule.operations
        self._records = first_of(rule.records)
        self._reference = first_of(rule.reference)
        self._amount = first_of(rule.amount)
        self._currency = first_of(rule.currency)
        self._created = first_of(rule.created)
        self._status = first_of(rule.status)
        self._amount_in: Literal["minor", "major"] = rule.amount_in
        self._said = dict.fromkeys(map(str.casefold, rule.succeeded), Said.SUCCEEDED)
        self._said |= dict.fromkeys(map(str.casefold, rule.declined), Said.DECLINED)

    def read(self, tree: object) -> tuple[Found, ...]:
        """Give the records of an answer or event; none where there are too many. Never raises."""
        found = self._records(tree)
        records = found if isinstance(found, list) else [found]
        if len(records) > MAX_RECORDS:
            return ()
        return tuple(self._read(record) for record in records if record)

    def _read(self, record: object) -> Found:
        currency = as_currency(self._currency(record))
        status = self._status(record)
        return Found(
            as_reference(self._reference(record)),
            as_major(self._amount(record), currency, self._amount_in),
            currency,
            _seconds(self._created(record)),
            self._said.get(status.strip().casefold()) if isinstance(status, str) else None,
            self._operations,
        )


def match(entry: Entry, found: Iterable[Found]) -> Said | None:
    """Say what *found* says of a payment; None where it says nothing for certain."""
    ours = entry.money
    named = [each for each in found if each.reference == ours.reference]
    if len(named) != 1 or None in (ours.reference, ours.amount, ours.currency):
        return None
    (record,) = named
    if record.operations and entry.operation not in record.operations:
        return None
    is_it = (record.amount, record.currency) == (ours.amount, ours.currency)
    is_ours = record.created_at is not None and record.created_at >= int(entry.created_at)
    return record.said if is_it and is_ours else None


def target_of(lookup: Lookup, reference: str, base_path: str = "") -> bytes | None:
    """Give the target of a look-up; None where *reference* cannot be in it, or changes the path."""
    if not reference or reference in {".", ".."}:  # RFC 3986 section 5.2.4, encoded or not
        return None
    try:
        encoded = quote(reference, safe="")
        target = (base_path + lookup.target.replace("{reference}", encoded)).encode("ascii")
    except UnicodeEncodeError:  # half of a pair of surrogates
        return None
    return target if len(target) <= _MAX_TARGET else None


def _seconds(value: object) -> float | None:
    """Give seconds since the epoch; None for what is no time, or in units that nobody described."""
    if isinstance(value, str):
        text = value.strip()
        if _EPOCH.fullmatch(text):
            return _seconds(int(text))
        return _timestamp(text.upper()) if _RFC_3339.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < _MILLISECONDS * 1000:  # nor NaN
        return None
    return value / 1000 if value >= _MILLISECONDS else float(value)


def _timestamp(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:  # the 30th of February
        return None
