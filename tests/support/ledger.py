"""Entries and claims to begin from."""

from dataclasses import replace
from typing import Any

from proxy.ledger.book import Claim
from proxy.ledger.entry import Entry, Owner, Recorded, State

LEASE_END = 1000.0
ME = Owner("one", 1)
OTHER = Owner("one", 2)  # the same sidecar, frozen and woken
ANSWER = Recorded(200, b"OK", ((b"X-Id", b"\xff"),), b"{}")


def claim(**members: Any) -> Claim:
    base = Claim(
        id="p1",
        provider="acme",
        scope="acme",
        route="pay",
        operation="create_payment",
        key_hash=b"k",
        fingerprint=b"f",
        owner=ME,
        lease_s=10.0,
    )
    return replace(base, **members)


def entry(state: State = State.SENDING, **members: Any) -> Entry:
    base = Entry(
        id="p1",
        provider="acme",
        scope="acme",
        route="pay",
        operation="create_payment",
        key_hash=b"k",
        fingerprint=b"f",
        state=state,
        owner=ME,
        lease_until=LEASE_END,
        created_at=900.0,
        changed_at=900.0,
    )
    return replace(base, **members)
