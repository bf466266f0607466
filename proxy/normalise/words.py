"""What became of the payment, in one word: the effect of a call as the envelope says it.

Rules, first hit wins:

1. The effect is `UNKNOWN`: `unknown`. It has absorbed whatever came after it (`terms.effect`).
2. The effect is `SETTLED`: the provider decided, and the answer's kind says what (`SETTLED`).
3. The effect is `NONE`: `not_sent` where no byte left us, else `rejected`.
4. What would be `unknown` on a route that only reads goes by rule 3: a read moves no money.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from proxy.terms import Answered, Delivery, Effect, Kind, Outcome, Refused, RouteEffect

from .tables import needs_envelope, report_for


class OutcomeWord(StrEnum):
    """What became of the payment that the request names, over all attempts (contract section 4)."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"


# A decision that is an error but no decline is, with REJECTED, a refusal that the provider stands
# by: a rule of the profile for an error inside a 2xx, or its stored refusal replayed under the key.
# With BROKEN it is a stored failure replayed: final for the key, but silent on what was done. The
# other two decide nothing, so what was settled before them is not theirs to tell: where a kind
# contradicts its effect, the word is the one that makes a person look.
SETTLED: Final[Mapping[Kind, OutcomeWord]] = MappingProxyType(
    {
        Kind.OK: OutcomeWord.SUCCEEDED,
        Kind.DUPLICATE: OutcomeWord.SUCCEEDED,  # classify settles a duplicate only on evidence
        Kind.DECLINED: OutcomeWord.DECLINED,
        Kind.REJECTED: OutcomeWord.REJECTED,
        Kind.BROKEN: OutcomeWord.UNKNOWN,
        Kind.THROTTLED: OutcomeWord.UNKNOWN,
        Kind.IN_PROGRESS: OutcomeWord.UNKNOWN,
    }
)


def word_for(outcome: Outcome, *, effect: RouteEffect) -> OutcomeWord:
    """Say what became of the payment; *effect* is what the route may do."""
    word = _word(outcome)
    if word is OutcomeWord.UNKNOWN and effect is RouteEffect.READ:
        return _nothing_done(outcome)
    return word


def is_in_doubt(outcome: Outcome) -> bool:
    """Whether an answer that is no error leaves open what an earlier attempt did: a late 3xx."""
    return outcome.effect is Effect.UNKNOWN and not needs_envelope(outcome)


def words_of(outcome: Outcome, *, effect: RouteEffect) -> tuple[str, str]:
    """Give `error_code` and `outcome` for metrics and log; `none` and `none` on a success."""
    if not needs_envelope(outcome):
        return "none", OutcomeWord.UNKNOWN.value if is_in_doubt(outcome) else "none"
    return report_for(outcome).code.value, word_for(outcome, effect=effect).value


def _word(outcome: Outcome) -> OutcomeWord:
    if outcome.effect is Effect.NONE:
        return _nothing_done(outcome)
    if outcome.effect is Effect.SETTLED:
        if isinstance(outcome, Answered):
            return SETTLED[outcome.kind]
        if isinstance(outcome, Refused) and outcome.settled is not None:
            return SETTLED[outcome.settled]
    # Settled by an earlier answer that is not in our hands any more counts as not known.
    return OutcomeWord.UNKNOWN


def _nothing_done(outcome: Outcome) -> OutcomeWord:
    if outcome.delivery is Delivery.NONE:
        return OutcomeWord.NOT_SENT
    return OutcomeWord.REJECTED
