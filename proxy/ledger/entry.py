"""What the ledger knows of one payment."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from proxy.terms import Headers


class State(StrEnum):
    """How far a payment has come. Only `BEGUN` and `RELEASED` prove that nothing was made."""

    BEGUN = "begun"  # its key is taken; no byte has left
    SENDING = "sending"  # a byte may have left, and its owner waits for the answer
    UNKNOWN = "unknown"  # nobody knows what came of it: until somebody says
    DONE = "done"  # the provider decided, and what it said is kept
    GONE = "gone"  # as `DONE`, its answer purged: a tombstone
    RELEASED = "released"  # it was not made: its key is free again, and who asks is told

    @property
    def is_decided(self) -> bool:
        """Whether it is known what came of it."""
        return self in {State.DONE, State.GONE, State.RELEASED}


class Result(StrEnum):
    """What the provider decided."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    REJECTED = "rejected"  # an error inside a 2xx: decided, and neither of the others


class Owner(Struct, frozen=True):
    """Who sends a payment: a sidecar, in one life of its process, for one call.

    The epoch makes a sidecar that was frozen and woken another one than it was.
    """

    sidecar: str
    epoch: int


class Recorded(Struct, frozen=True):
    """An answer as it is replayed: byte for byte."""

    status: int
    reason: bytes
    headers: Headers
    body: bytes  # all of it and the headers, sealed, where `key_id` says with which key
    key_id: bytes | None = None


class Money(Struct, frozen=True):
    """What a payment moves, where the profile's paths find it in the request."""

    amount: str | None = None  # in major units, as a decimal number; None: nobody could tell
    currency: str | None = None  # ISO 4217, in capitals
    reference: str | None = None  # the merchant's own


NO_MONEY: Final = Money()


class Entry(Struct, frozen=True, kw_only=True):
    """One payment. Times are in seconds since the Unix epoch."""

    id: str
    provider: str
    scope: str  # account and tenant
    route: str
    operation: str  # the profile's name of what was done; "" where it knows none
    key_hash: bytes | None  # None where the caller gave no key: it is only followed
    fingerprint: bytes
    state: State
    owner: Owner
    lease_until: float  # after it whoever sends has given up, or is frozen
    created_at: float
    changed_at: float
    attempts: int = 0
    result: Result | None = None
    recorded: Recorded | None = None  # None with `DONE`: too large to keep, or settled without one
    money: Money = NO_MONEY
    is_spoken_of: bool = False  # there is evidence: somebody's word on what became of it
