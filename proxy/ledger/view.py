"""How a payment is shown: to the operator, to the caller who made it, in a file of rows. Pure.

No card number, no key and no body is in it: of a key only the beginning of its hash, so that two
entries of one key can be told to be.
"""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from .book import Evidence
from .entry import Entry, State

UNKNOWN: Final = "unknown"
_KEY_HASH_BYTES: Final = 8
COLUMNS: Final = (
    "id", "provider", "account", "route", "outcome", "amount", "currency", "reference", "key_hash",
    "attempts", "created", "age_seconds",
)  # fmt: skip
# What a spreadsheet takes for a formula where a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def outcome_word(entry: Entry) -> str:
    """Say what became of a payment, in the words of the envelope, or `not_processed`."""
    if entry.state.is_decided and entry.result is not None:
        return entry.result.value
    return "not_processed" if entry.state is State.RELEASED else UNKNOWN


def for_operator(entry: Entry, now: float) -> dict[str, object]:
    """Give what an operator may know."""
    account, *tenants = (unquote(part) for part in entry.scope.split(" "))
    return {
        "id": entry.id,
        "provider": entry.provider,
        "account": account,
        "tenants": tenants,
        "route": entry.route,
        "outcome": outcome_word(entry),
        "is_under_way": entry.state in {State.BEGUN, State.SENDING},
        "amount": entry.money.amount,
        "currency": entry.money.currency,
        "reference": entry.money.reference,
        "key_hash": entry.key_hash[:_KEY_HASH_BYTES].hex() if entry.key_hash else None,
        "attempts": entry.attempts,
        "created": _stamp(entry.created_at),
        "age_seconds": round(max(0.0, now - entry.created_at), 1),
    }


def with_evidence(entry: Entry, evidence: Iterable[Evidence], now: float) -> dict[str, object]:
    """Give what an operator may know, and all that was said of it, in order."""
    said = [
        {
            "by": told.source.value,
            "said": told.said.value,
            "note": told.note,
            "at": _stamp(told.at),
            "result": told.settlement.value,
        }
        for told in evidence
    ]
    return for_operator(entry, now) | {"evidence": said}


def for_caller(entry: Entry) -> dict[str, object]:
    """Give what the caller who made the payment may know: its own words, and what came of it."""
    return {
        "outcome_id": entry.id,
        "provider": entry.provider,
        "outcome": outcome_word(entry),
        "amount": entry.money.amount,
        "currency": entry.money.currency,
        "reference": entry.money.reference,
        "created": _stamp(entry.created_at),
    }


def as_csv(entries: Iterable[Entry], now: float) -> str:
    """Give a file for the daily settlement: RFC 4180, one payment a line."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(COLUMNS)
    for entry in entries:
        shown = for_operator(entry, now)
        rows.writerow([_cell(shown[name]) for name in COLUMNS])
    return file.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
