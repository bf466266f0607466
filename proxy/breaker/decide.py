"""What an outcome tells of the provider's health. Pure.

Rule 1: a vote is about the provider, never about the request: a decline is a healthy answer.
Rule 2: what says nothing of the provider abstains: our own limits, our own faults, a caller who
        cut his upload short or gave us no time. Silence is not health: an abstaining probe does
        not close the circuit.
Rule 3: a provider that sheds load works, so a 429 abstains; but a probe that meets one counts
        against: to close the circuit would send it the full load while it is still shedding
        (linkerd2-proxy decides the same in its unified breaker).
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import assert_never

from proxy.terms import Answered, Delivery, ErrorType, Failed, Kind, Outcome, ProxyError, Refused


class Vote(Enum):
    """What one attempt says of the provider."""

    HEALTHY = auto()
    FAULTY = auto()
    ABSTAIN = auto()


KINDS: Mapping[Kind, Vote] = MappingProxyType(
    {
        Kind.OK: Vote.HEALTHY,
        Kind.REJECTED: Vote.HEALTHY,
        Kind.DECLINED: Vote.HEALTHY,
        Kind.THROTTLED: Vote.ABSTAIN,
        Kind.IN_PROGRESS: Vote.HEALTHY,
        Kind.DUPLICATE: Vote.HEALTHY,
        Kind.BROKEN: Vote.FAULTY,
    }
)

# No answer came, and it was not the provider's doing.
OUR_FAULTS = frozenset(
    {
        ProxyError.CONNECTION_LIMIT_REACHED,  # our own pool
        ProxyError.DESTINATION_NOT_FOUND,
        ProxyError.HTTP_REQUEST_ERROR,
        ProxyError.PROXY_INTERNAL_ERROR,
        ProxyError.PROXY_LOOP_DETECTED,
    }
)

# A 5xx that says so much of the request, and will say it again, comes from a working provider: a
# validation error in a 500, a 501. Were it to vote, one caller's bad input would close the provider
# to all. The other permanent ones (Cloudflare's 52x, a 500 with `Stripe-Should-Retry: false`) are
# failures all the same: not to be repeated is not to be well.
FAILINGS = frozenset({ErrorType.TIMEOUT, ErrorType.UNAVAILABLE, ErrorType.INTERNAL_ERROR})


def vote_for(outcome: Outcome, *, is_probe: bool, is_late: bool) -> Vote:
    """Say what *outcome* tells of the provider.

    *is_late*: the caller's deadline had passed when it came. What was not even sent by then may
    have lacked nothing but time.
    """
    match outcome:
        case Answered(kind=Kind.OK):
            return Vote.HEALTHY
        case Refused():
            return Vote.ABSTAIN
        case Failed():
            had_no_time = is_late and outcome.delivery is Delivery.NONE
            is_ours = outcome.reason in OUR_FAULTS or had_no_time
            return Vote.ABSTAIN if is_ours else Vote.FAULTY
        case Answered(kind=Kind.THROTTLED) if is_probe:
            return Vote.FAULTY
        case Answered(kind=Kind.BROKEN, is_transient=False, error_code=code) if (
            code is not None and code.type not in FAILINGS
        ):
            return Vote.HEALTHY
        case Answered():
            return KINDS[outcome.kind]
        case _:
            assert_never(outcome)
