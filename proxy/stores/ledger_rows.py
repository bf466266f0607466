"""An entry of the ledger as a row, and back: for the stores that speak SQL. Pure."""

import json
from collections.abc import Sequence
from typing import Any, Final

from proxy.ledger.book import Evidence
from proxy.ledger.decide import Said, Settlement, Source
from proxy.ledger.entry import Entry, Money, Owner, Recorded, Result, State

COLUMNS: Final = (
    "id", "provider", "scope", "route", "operation", "key_hash", "fingerprint", "state", "sidecar",
    "epoch", "lease_until", "created_at", "changed_at", "attempts", "result", "status", "reason",
    "headers", "body", "key_id", "amount", "currency", "reference", "is_spoken_of",
)  # fmt: skip

# What changes of an entry; the rest stands as it was claimed.
CHANGING: Final = (
    "state", "lease_until", "changed_at", "attempts", "result", "status", "reason", "headers",
    "body", "key_id", "is_spoken_of",
)  # fmt: skip


def to_change(entry: Entry) -> tuple[object, ...]:
    """Give the values of `CHANGING`."""
    return (
        entry.state.value,
        entry.lease_until,
        entry.changed_at,
        entry.attempts,
        entry.result.value if entry.result is not None else None,
        *_answer(entry.recorded),
        entry.is_spoken_of,
    )


def to_row(entry: Entry) -> tuple[object, ...]:
    """Give the values of `COLUMNS`."""
    money = entry.money
    return (
        entry.id,
        entry.provider,
        entry.scope,
        entry.route,
        entry.operation,
        entry.key_hash,
        entry.fingerprint,
        entry.state.value,
        entry.owner.sidecar,
        entry.owner.epoch,
        entry.lease_until,
        entry.created_at,
        entry.changed_at,
        entry.attempts,
        entry.result.value if entry.result is not None else None,
        *_answer(entry.recorded),
        money.amount,
        money.currency,
        money.reference,
        entry.is_spoken_of,
    )


def _answer(kept: Recorded | None) -> tuple[object, ...]:
    if kept is None:
        return (None, None, None, None, None)
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in kept.headers]
    return (kept.status, kept.reason, json.dumps(headers), kept.body, kept.key_id)


def to_entry(row: Sequence[Any]) -> Entry:
    """Give the entry whose `COLUMNS` these are."""
    of = dict(zip(COLUMNS, row, strict=True))
    recorded = None
    if of["status"] is not None:
        headers = tuple(
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in json.loads(of["headers"])
        )
        recorded = Recorded(of["status"], of["reason"], headers, of["body"], of["key_id"])
    return Entry(
        id=of["id"],
        provider=of["provider"],
        scope=of["scope"],
        route=of["route"],
        operation=of["operation"],
        key_hash=of["key_hash"],
        fingerprint=of["fingerprint"],
        state=State(of["state"]),
        owner=Owner(of["sidecar"], of["epoch"]),
        lease_until=of["lease_until"],
        created_at=of["created_at"],
        changed_at=of["changed_at"],
        attempts=of["attempts"],
        result=Result(of["result"]) if of["result"] is not None else None,
        recorded=recorded,
        money=Money(of["amount"], of["currency"], of["reference"]),
        is_spoken_of=bool(of["is_spoken_of"]),
    )


def to_evidence(row: Sequence[Any]) -> Evidence:
    """Give what somebody said: source, said, note, at, settlement."""
    source, said, note, at, settlement = row
    return Evidence(Source(source), Said(said), note, at, Settlement(settlement))
