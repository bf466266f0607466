"""What a request meets under its key, and what becomes of a payment. Pure.

Rules:

1. A key names one request. Another request under it is told so, whatever became of the first.
2. Only what certainly was not made is sent again: a payment of which no byte left and whose owner
   is gone (`BEGUN`, its lease over, and nobody spoke of it), or one that was released.
3. An owner that does not answer any more has sent: `SENDING` past its lease is unknown, never free.
4. What is unknown stays so until the provider or a person says more. A look-up and a webhook may
   say `succeeded` or `declined`; only a person may say that nothing was made, and only once no
   attempt can still be under way.
5. Evidence against what is recorded is never lost: it is a contradiction. It undoes nothing, but
   what was held for not made, and is said to be made, does not leave its key free: it is unknown.
"""

from enum import StrEnum
from typing import Final, assert_never

from proxy.terms import Answered, Effect, Kind, Outcome, is_redirection

from .entry import Entry, Result, State


class Meeting(StrEnum):
    """What a request meets under its key."""

    NEW = "new"  # nothing, or what was certainly not made: it may be claimed
    IN_PROGRESS = "in_progress"  # the same request, under way: its answer is waited for
    REPLAYED = "replayed"  # the same request, answered: the answer is given again
    PROCESSED = "processed"  # the same request, decided, and its answer is not kept
    PENDING = "pending"  # the same request, and nobody knows what came of it
    REUSED = "reused"  # another request


def meet(entry: Entry | None, fingerprint: bytes, now: float) -> Meeting:
    """Say what a request with this *fingerprint* meets *now* (seconds since the Unix epoch)."""
    if entry is None or entry.state is State.RELEASED:
        return Meeting.NEW
    is_leased = now < entry.lease_until
    if entry.state is State.BEGUN and not is_leased and not entry.is_spoken_of:
        return Meeting.NEW
    if entry.fingerprint != fingerprint:
        return Meeting.REUSED
    match entry.state:
        case State.BEGUN | State.SENDING:
            return Meeting.IN_PROGRESS if is_leased else Meeting.PENDING
        case State.UNKNOWN:
            return Meeting.PENDING
        case State.DONE:
            return Meeting.PROCESSED if entry.recorded is None else Meeting.REPLAYED
        case State.GONE:
            return Meeting.PROCESSED
        case _:
            assert_never(entry.state)


class End(StrEnum):
    """What becomes of a claimed payment with the end of its call."""

    FREE = "free"  # certainly not made: the key is free
    DONE = "done"
    UNKNOWN = "unknown"


_RESULTS: Final[dict[Kind, Result]] = {
    Kind.OK: Result.SUCCEEDED,
    Kind.DUPLICATE: Result.SUCCEEDED,
    Kind.DECLINED: Result.DECLINED,
    Kind.REJECTED: Result.REJECTED,
}


def end_of(outcome: Outcome) -> tuple[End, Result | None]:
    """Say what becomes of a payment whose call ended in *outcome*, all its attempts joined.

    A redirection is an answer, and is replayed; what was decided it does not say.
    """
    match outcome.effect:
        case Effect.NONE:
            return End.FREE, None
        case Effect.UNKNOWN:
            return End.UNKNOWN, None
        case Effect.SETTLED:
            if is_redirection(outcome):
                return End.DONE, None
            # A stored failure that is replayed decides nothing (`normalise.words`).
            result = _RESULTS.get(outcome.kind) if isinstance(outcome, Answered) else None
            return (End.UNKNOWN, None) if result is None else (End.DONE, result)
        case _:
            assert_never(outcome.effect)


class Source(StrEnum):
    """Who says what became of an unknown payment."""

    LOOKUP = "lookup"
    WEBHOOK = "webhook"
    PERSON = "person"
    REPEAT = "repeat"  # the provider, asked again under a key that it honours


class Said(StrEnum):
    """What they say."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    NOT_PROCESSED = "not_processed"


class Settlement(StrEnum):
    """What comes of evidence."""

    SETTLED = "settled"
    CONFIRMED = "confirmed"  # it was known already
    CONTRADICTED = "contradicted"  # something else is recorded
    TOO_EARLY = "too_early"  # an attempt may still be under way: weighed again once it has ended
    NOT_THEIRS = "not_theirs"  # only a person may say so (rule 4)
    REPEATED = "repeated"  # the same event, taken before: nothing is kept of it


def weigh(
    entry: Entry, source: Source, said: Said, *, now: float, attempt_timeout_s: float
) -> Settlement:
    """Say what comes of it that *source* says *said* of the payment."""
    if said is Said.NOT_PROCESSED and source is not Source.PERSON:
        return Settlement.NOT_THEIRS
    if entry.state.is_decided:
        recorded = _recorded(entry)
        # Refused or declined: nobody was charged, say both. Where nothing is recorded all agree.
        is_refused = said is Said.DECLINED and recorded is Said.NOT_PROCESSED
        is_same = recorded in {None, said} or is_refused
        return Settlement.CONFIRMED if is_same else Settlement.CONTRADICTED
    over_at = entry.lease_until
    if said is Said.NOT_PROCESSED:
        over_at += attempt_timeout_s  # what was frozen between its claim and its first byte
    if entry.state is not State.UNKNOWN or said is Said.NOT_PROCESSED:
        return Settlement.TOO_EARLY if now < over_at else Settlement.SETTLED
    return Settlement.SETTLED


_RECORDED: Final[dict[Result | None, Said | None]] = {
    Result.SUCCEEDED: Said.SUCCEEDED,
    Result.DECLINED: Said.DECLINED,
    Result.REJECTED: Said.NOT_PROCESSED,
    None: None,  # it was answered with a redirection
}


def _recorded(entry: Entry) -> Said | None:
    return Said.NOT_PROCESSED if entry.state is State.RELEASED else _RECORDED[entry.result]
