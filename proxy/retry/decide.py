"""Whether a call may be sent again. Pure: no clock, no dice, no network.

Rule 1: every reason to repeat or not to repeat a call lives in this file (contract section 5).
Rule 2: it does not know which provider it judges; it asks what happened, and what licenses a
        repeat. What a status or a code means was decided before.
Rule 3: what is not transient is never repeated, whatever licence there is. So a provider's no
        always wins, and its yes licenses nothing.
Rule 4: a key is a licence only where the provider honours it after a failure too. One that is
        forgotten after a failure would have the payment run again: it counts as no key.
Rule 5: nothing is known of a payment until every byte of it is accounted for: `UNKNOWN` absorbs,
        so the caller's licence is asked of the whole call, not of its latest attempt.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import assert_never

from proxy.terms import (
    Again,
    Answered,
    Basis,
    Delivery,
    Denial,
    Effect,
    Failed,
    Final,
    Kind,
    Outcome,
    Refusal,
    Refused,
    RouteEffect,
    Verdict,
)


class Situation(Enum):
    """What became of an attempt: the rows of contract section 5."""

    NOT_SENT = auto()
    REFUSED = auto()  # refused unprocessed, by the provider
    FAILED_ANSWER = auto()
    BROKEN_WIRE = auto()  # something was sent, and no usable answer came
    IN_PROGRESS = auto()
    OVER = auto()  # the answer will not change


class Licence(Enum):
    """What makes a repeat of something that may have happened harmless: the columns."""

    REPEATABLE = auto()  # it reads, or is idempotent by RFC 9110 section 9.2.2
    KEY = auto()  # the provider honours the key, after a failure too
    NONE = auto()


_UNSAFE, _PERMANENT = Final(Denial.UNSAFE), Final(Denial.PERMANENT)

VERDICTS: Mapping[tuple[Situation, Licence], Verdict] = MappingProxyType(
    {
        (Situation.NOT_SENT, Licence.REPEATABLE): Again(Basis.NOT_SENT),
        (Situation.NOT_SENT, Licence.KEY): Again(Basis.NOT_SENT),
        (Situation.NOT_SENT, Licence.NONE): Again(Basis.NOT_SENT),
        (Situation.REFUSED, Licence.REPEATABLE): Again(Basis.REFUSED),
        (Situation.REFUSED, Licence.KEY): Again(Basis.REFUSED),
        (Situation.REFUSED, Licence.NONE): Again(Basis.REFUSED),
        (Situation.FAILED_ANSWER, Licence.REPEATABLE): Again(Basis.IDEMPOTENT),
        (Situation.FAILED_ANSWER, Licence.KEY): Again(Basis.IDEMPOTENCY_KEY),
        (Situation.FAILED_ANSWER, Licence.NONE): _UNSAFE,
        (Situation.BROKEN_WIRE, Licence.REPEATABLE): Again(Basis.IDEMPOTENT),
        (Situation.BROKEN_WIRE, Licence.KEY): Again(Basis.IDEMPOTENCY_KEY),
        (Situation.BROKEN_WIRE, Licence.NONE): _UNSAFE,
        # To a read this is an answer like any other: the payment it asks about is being made.
        (Situation.IN_PROGRESS, Licence.REPEATABLE): _PERMANENT,
        (Situation.IN_PROGRESS, Licence.KEY): Again(Basis.IN_PROGRESS),
        (Situation.IN_PROGRESS, Licence.NONE): _UNSAFE,
        (Situation.OVER, Licence.REPEATABLE): _PERMANENT,
        (Situation.OVER, Licence.KEY): _PERMANENT,
        (Situation.OVER, Licence.NONE): _PERMANENT,
    }
)

KINDS: Mapping[Kind, Situation] = MappingProxyType(
    {
        Kind.OK: Situation.OVER,
        Kind.REJECTED: Situation.OVER,
        Kind.DECLINED: Situation.OVER,
        Kind.THROTTLED: Situation.REFUSED,
        Kind.IN_PROGRESS: Situation.IN_PROGRESS,
        Kind.DUPLICATE: Situation.OVER,
        Kind.BROKEN: Situation.FAILED_ANSWER,
    }
)

# Our own no ends the loop. What the metrics call it, and whether the same request may fare better
# a little later.
REFUSALS: Mapping[Refusal, tuple[Denial, bool]] = MappingProxyType(
    {
        Refusal.NO_PROVIDER: (Denial.PERMANENT, False),
        Refusal.MALFORMED: (Denial.PERMANENT, False),
        Refusal.TOO_LARGE: (Denial.PERMANENT, False),
        Refusal.TARGET_TOO_LONG: (Denial.PERMANENT, False),
        Refusal.HEADERS_TOO_LARGE: (Denial.PERMANENT, False),
        Refusal.METHOD_UNKNOWN: (Denial.PERMANENT, False),
        Refusal.METHOD_REFUSED: (Denial.PERMANENT, False),
        Refusal.LOOP: (Denial.PERMANENT, False),
        Refusal.KEY_MISSING: (Denial.PERMANENT, False),
        Refusal.CALLER_TOO_SLOW: (Denial.CALLER, True),
        Refusal.CALLER_LEFT: (Denial.CALLER, True),
        Refusal.PAUSED: (Denial.PERMANENT, True),
        Refusal.CIRCUIT_OPEN: (Denial.BREAKER, True),
        Refusal.OVERLOADED: (Denial.LIMIT, True),
        Refusal.RATE_LIMITED: (Denial.LIMIT, True),
        Refusal.CLAIM_LOST: (Denial.PERMANENT, True),
        Refusal.KEY_IN_USE: (Denial.PERMANENT, True),
        Refusal.KEY_REUSED: (Denial.PERMANENT, False),
        Refusal.OUTCOME_PENDING: (Denial.PERMANENT, True),
        Refusal.ALREADY_PROCESSED: (Denial.PERMANENT, False),
        Refusal.LEDGER_AWAY: (Denial.PERMANENT, True),
        Refusal.LIMITS_AWAY: (Denial.LIMIT, True),
        Refusal.NO_OUTCOME: (Denial.PERMANENT, False),
        Refusal.DRAINING: (Denial.DRAINING, True),
        Refusal.INTERNAL: (Denial.PERMANENT, False),  # a bug of ours meets the same bytes again
    }
)


def refused(
    reason: Refusal, *, hint: str | None = None, retry_after_s: float | None = None
) -> Refused:
    """Say no to a call of which nothing was sent; the caller may come again where that may help."""
    is_retryable = REFUSALS[reason][1]
    return Refused(reason=reason, hint=hint, is_retryable=is_retryable, retry_after_s=retry_after_s)


def is_success(outcome: Outcome) -> bool:
    """Say whether the provider did what was asked."""
    return isinstance(outcome, Answered) and outcome.kind is Kind.OK


def judge(
    outcome: Outcome, *, effect: RouteEffect, is_keyed: bool, covers_failures: bool
) -> Verdict:
    """Say whether a call to a route of *effect* may be sent again after this *outcome*."""
    if isinstance(outcome, Refused):
        return Final(REFUSALS[outcome.reason][0])
    licence = _licence(effect, is_keyed=is_keyed, covers_failures=covers_failures)
    return VERDICTS[_situation(outcome), licence]


def may_repeat(
    outcome: Outcome, *, effect: RouteEffect, is_keyed: bool, covers_failures: bool
) -> bool:
    """Say whether the caller may send the very same request again (`retryable`, section 4).

    The effect of *outcome* is the one joined over all attempts: what an earlier attempt may have
    done needs a licence, even where the latest did nothing.
    """
    licence = _licence(effect, is_keyed=is_keyed, covers_failures=covers_failures)
    return _is_transient(outcome) and (outcome.effect is Effect.NONE or licence is not Licence.NONE)


def _situation(outcome: Answered | Failed) -> Situation:
    if not outcome.is_transient:
        return Situation.OVER
    match outcome:
        case Failed():
            # RFC 9110 section 9.2.2: only what certainly was not sent is known not to have acted.
            is_unsent = outcome.delivery is Delivery.NONE
            return Situation.NOT_SENT if is_unsent else Situation.BROKEN_WIRE
        case Answered(kind=Kind.THROTTLED) if outcome.effect is not Effect.NONE:
            # A profile may call an answer throttled and still not vouch that nothing was done.
            return Situation.FAILED_ANSWER
        case Answered():
            return KINDS[outcome.kind]
        case _:
            assert_never(outcome)


def _licence(effect: RouteEffect, *, is_keyed: bool, covers_failures: bool) -> Licence:
    if effect is not RouteEffect.PAYMENT:
        return Licence.REPEATABLE
    return Licence.KEY if is_keyed and covers_failures else Licence.NONE


def _is_transient(outcome: Outcome) -> bool:
    if isinstance(outcome, Refused):
        return REFUSALS[outcome.reason][1]
    return outcome.is_transient
