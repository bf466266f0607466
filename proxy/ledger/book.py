"""How an entry of the ledger changes: the same for every store, which only keeps what comes. Pure.

Rules:

1. Only its owner sends a payment, and only under its lease: who was frozen past it sends nothing.
2. Each attempt takes the claim anew, so that no attempt begins on what somebody has settled.
3. Only its owner ends a payment, early or late: an answer that comes after the lease still counts.
4. Of what certainly was not made the key is free. The entry stays a while for those who were told
   that it is unknown: a caller who waited less long, another sidecar.
5. What a settlement said stands against a late answer that says otherwise: a contradiction.
6. A key that was freed in error is taken back, where nobody has it by then: what is said to be made
   after all is unknown, and what a late answer shows to be made is done. Who has the key by then is
   told so (`of_key`): it does not free it either, and is not sent if no byte of it has left.
7. Of what somebody spoke before its first byte, nothing is sent: it may be made already.
"""

import math
from collections.abc import Iterable
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from .decide import End, Meeting, Said, Settlement, Source, meet, weigh
from .entry import NO_MONEY, Entry, Money, Owner, Recorded, Result, State

_OPEN: Final = frozenset({State.BEGUN, State.SENDING})
_RESULT_OF: Final[dict[Said, Result]] = {
    Said.SUCCEEDED: Result.SUCCEEDED,
    Said.DECLINED: Result.DECLINED,
    Said.NOT_PROCESSED: Result.REJECTED,
}


class Claim(Struct, frozen=True, kw_only=True):
    """A payment that somebody is about to make."""

    id: str
    provider: str
    scope: str
    route: str
    operation: str
    key_hash: bytes | None
    fingerprint: bytes
    owner: Owner
    lease_s: float
    money: Money = NO_MONEY
    sent_s_ago: float | None = None  # it is only followed: since when a byte of it may have left
    answered_s_ago: float | None = None  # since when one of its reference is answered, and not kept


class Met(Struct, frozen=True):
    """What a claim met: its own new entry where it is NEW, else the one that is there."""

    meeting: Meeting
    entry: Entry
    gave_way: Entry | None = None  # what was there, where it is NEW: its owner is gone


class Evidence(Struct, frozen=True):
    """What somebody said of a payment, and what came of it. Never changed, never dropped."""

    source: Source
    said: Said
    note: str  # who, or which rule of which version of a profile
    at: float
    settlement: Settlement


def begin(there: Entry | None, claim: Claim, now: float) -> Met:
    """Take a key, or say what stands under it."""
    meeting = meet(there, claim.fingerprint, now)
    if there is not None and meeting is not Meeting.NEW:
        return Met(meeting, expired(there, now))
    entry = Entry(
        id=claim.id,
        provider=claim.provider,
        scope=claim.scope,
        route=claim.route,
        operation=claim.operation,
        key_hash=claim.key_hash,
        fingerprint=claim.fingerprint,
        state=State.BEGUN if claim.sent_s_ago is None else State.SENDING,
        owner=claim.owner,
        lease_until=now + claim.lease_s,
        created_at=_created_at(claim, now),
        changed_at=now,
        attempts=int(claim.sent_s_ago is not None),
        money=claim.money,
    )
    return Met(Meeting.NEW, entry, None if there is None else expired(there, now))


def _created_at(claim: Claim, now: float) -> float:
    """Give since when a record is this payment's, and not one's that is answered and not kept.

    A record's time is to the second.
    """
    sent_at = now - (claim.sent_s_ago or 0.0)
    if claim.answered_s_ago is None:
        return sent_at
    return max(sent_at, math.floor(now - claim.answered_s_ago) + 1.0)


def send(entry: Entry | None, owner: Owner, lease_s: float, now: float) -> Entry | None:
    """Take the claim for one attempt; None: it is lost, and nothing may be sent."""
    if entry is None or entry.owner != owner or entry.state not in _OPEN:
        return None
    if now >= entry.lease_until or (entry.state is State.BEGUN and entry.is_spoken_of):
        return None
    return replace(
        entry,
        state=State.SENDING,
        lease_until=now + lease_s,
        attempts=entry.attempts + 1,
        changed_at=now,
    )


class Ended(Struct, frozen=True):
    """What became of an entry: changed, or left as it was by who may not end it."""

    entry: Entry
    is_contradicted: bool = False


def end(
    entry: Entry,
    owner: Owner,
    how: End,
    result: Result | None,
    recorded: Recorded | None,
    now: float,
    *,
    said: Iterable[Evidence] = (),
    is_key_taken: bool = False,
) -> Ended:
    """Note what became of a payment, as the one who made it knows it.

    *said* is what others have said of it by now, *is_key_taken* whether its key is another's.
    """
    if entry.owner != owner:
        return Ended(entry)
    if entry.state.is_decided:
        return _late(entry, how, result, recorded, now, is_key_taken=is_key_taken)
    match how:
        case End.FREE if any(each.said is Said.SUCCEEDED for each in said):
            return Ended(replace(entry, state=State.UNKNOWN, changed_at=now), is_contradicted=True)
        case End.FREE:
            return Ended(replace(_released(entry, now), result=Result.REJECTED))
        case End.UNKNOWN:
            return Ended(replace(entry, state=State.UNKNOWN, changed_at=now))
        case End.DONE:
            done = replace(
                entry, state=State.DONE, result=result, recorded=recorded, changed_at=now
            )
            return Ended(done)
        case _:
            assert_never(how)


def abandon(entry: Entry, owner: Owner, now: float, said: Iterable[Evidence] = ()) -> Ended:
    """Give up a payment of which no byte was sent; any other stays as it is."""
    is_untouched = entry.owner == owner and entry.state is State.BEGUN
    if is_untouched and any(each.said is Said.SUCCEEDED for each in said):
        return Ended(replace(entry, state=State.UNKNOWN, changed_at=now))
    return Ended(_released(entry, now) if is_untouched else entry)


def _released(entry: Entry, now: float) -> Entry:
    return replace(entry, state=State.RELEASED, changed_at=now)


def _taken_back(entry: Entry, *, is_key_taken: bool) -> Entry:
    return replace(entry, key_hash=None) if is_key_taken else entry


def _late(
    entry: Entry,
    how: End,
    result: Result | None,
    recorded: Recorded | None,
    now: float,
    *,
    is_key_taken: bool,
) -> Ended:
    """Take an answer to what was settled without one."""
    if how is End.UNKNOWN:
        return Ended(entry)
    if how is End.FREE:
        return Ended(entry, is_contradicted=entry.state is not State.RELEASED)
    if entry.state is State.RELEASED and result is Result.SUCCEEDED:
        held = _taken_back(entry, is_key_taken=is_key_taken)
        done = replace(held, state=State.DONE, result=result, recorded=recorded, changed_at=now)
        return Ended(done, is_contradicted=True)
    if result is entry.result and entry.state is State.DONE:
        return Ended(replace(entry, recorded=entry.recorded or recorded, changed_at=now))
    return Ended(entry, is_contradicted=result is not entry.result)


def of_key(holder: Entry, made: Entry, now: float) -> tuple[Entry, Evidence]:
    """Have the *holder* of a key know of the payment that was freed in error, and was *made*.

    Its key is that of a payment that was made, whatever becomes of its own.
    """
    note = f"{made.id} had the key before, and was made"
    evidence = Evidence(Source.REPEAT, Said.SUCCEEDED, note, now, Settlement.TOO_EARLY)
    return replace(holder, is_spoken_of=True), evidence


def settle(
    entry: Entry,
    source: Source,
    said: Said,
    note: str,
    *,
    now: float,
    attempt_timeout_s: float,
    is_key_taken: bool = False,
) -> tuple[Entry, Evidence]:
    """Take what somebody says of a payment. The evidence is kept, whatever comes of it.

    *is_key_taken* says whether its key is another payment's by now.
    """
    settlement = weigh(entry, source, said, now=now, attempt_timeout_s=attempt_timeout_s)
    evidence = Evidence(source, said, note, now, settlement)
    entry = replace(entry, is_spoken_of=True)
    if settlement is Settlement.CONFIRMED and entry.state is State.DONE and entry.result is None:
        return replace(entry, result=_RESULT_OF[said]), evidence  # its own answer did not say
    if settlement is Settlement.CONTRADICTED and entry.state is State.RELEASED:
        held = _taken_back(entry, is_key_taken=is_key_taken)
        return replace(held, state=State.UNKNOWN, result=None, changed_at=now), evidence
    if settlement is not Settlement.SETTLED:
        return entry, evidence
    if said is Said.NOT_PROCESSED:
        return replace(entry, state=State.RELEASED, changed_at=now), evidence
    return replace(entry, state=State.DONE, result=_RESULT_OF[said], changed_at=now), evidence


def expired(entry: Entry, now: float) -> Entry:
    """Give an entry whose owner does not answer any more as what it is.

    Unknown, once it sent, or somebody spoke of it; else not made, for whoever was told to ask: its
    key is free.
    """
    if now < entry.lease_until or entry.state not in _OPEN:
        return entry
    is_unsent = entry.state is State.BEGUN and not entry.is_spoken_of
    return replace(entry, state=State.RELEASED if is_unsent else State.UNKNOWN, changed_at=now)
