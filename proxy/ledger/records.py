"""What a provider says of a payment that was asked for: a look-up's records, or a webhook's. Pure.

Rules:

1. Only one record settles: with two of a reference nobody can say which one is ours.
2. It settles only what it matches: reference, amount and currency, all three known on both sides,
   and made no earlier than we sent. A payment of yesterday with the same reference is another one.
3. Only a terminal state settles. One that is still under way, or that nobody describes, does not.
4. Not found never settles: a provider may find tomorrow what it does not find today.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import quote

from proxy.providers.dealings import Lookup, WebhookEvents

from .decide import Said
from .entry import Entry
from .money import as_currency, as_major
from .payment import as_reference, first_of

MAX_RECORDS: Final = 100
_MAX_TARGET: Final = 2_000
_MILLISECONDS: Final = 100_000_000_000.0  # seconds since the epoch are below until the year 5138


@dataclass(frozen=True, slots=True)
class Found:
    """One payment, as the provider tells of it."""

    reference: str | None
    amount: str | None  # in major units
    currency: str | None
    created_at: float | None  # seconds since the Unix epoch
    said: Said | None  # None: not decided, or in words that nobody described


class Records:
    """Reads the records of one look-up, or of one provider's webhooks."""

    __slots__ = (
        "_amount",
        "_amount_in",
        "_created",
        "_currency",
        "_records",
        "_reference",
        "_said",
        "_status",
    )

    def __init__(self, rule: Lookup | WebhookEvents) -> None:
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
        """Give the records of an answer; those behind the first hundred do not count."""
        found = self._records(tree)
        records = found if isinstance(found, list) else [found]
        return tuple(self._read(record) for record in records[: MAX_RECORDS + 1] if record)

    def _read(self, record: object) -> Found:
        currency = as_currency(self._currency(record))
        status = self._status(record)
        return Found(
            as_reference(self._reference(record)),
            as_major(self._amount(record), currency, self._amount_in),
            currency,
            _seconds(self._created(record)),
            self._said.get(status.strip().casefold()) if isinstance(status, str) else None,
        )


def match(entry: Entry, found: Iterable[Found]) -> Said | None:
    """Say what *found* says of a payment; None where it says nothing for certain."""
    ours = entry.money
    named = [each for each in found if each.reference == ours.reference]
    if len(named) != 1 or None in (ours.reference, ours.amount, ours.currency):
        return None
    (record,) = named
    is_it = (record.amount, record.currency) == (ours.amount, ours.currency)
    is_ours = record.created_at is not None and record.created_at >= int(entry.created_at)
    return record.said if is_it and is_ours else None


def target_of(lookup: Lookup, reference: str, base_path: str = "") -> bytes | None:
    """Give the target of a look-up; None where *reference* would make it another path."""
    if not reference or reference in {".", ".."}:
        return None
    target = base_path + lookup.target.replace("{reference}", quote(reference, safe=""))
    return target.encode("ascii") if len(target) <= _MAX_TARGET else None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value / 1000 if value >= _MILLISECONDS else float(value)
    if not isinstance(value, str):
        return None
    if value.isascii() and value.isdigit() and len(value) <= len("1700000000000"):
        return _seconds(int(value))
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
