"""Where an error may be about a payment that was made, whatever it is called (pure).

Rules:

1.  This can only make an outcome more careful: `unknown` where it was `rejected` or `declined`. Who
    reads either of those there pays again under a new reference.
2.  It asks what people and programs write of duplicates, in a decline too: an issuer that refuses a
    duplicate has seen the first.
3.  A request that was refused says so of itself. One that ran into a time-out or an outage behind
    the provider's door may have been passed on before, whatever status it got.
4.  Where a rule of the profile says of an error that nothing was done, that stands. No rule speaks
    for what an issuer writes into a decline.
"""

import re
from collections.abc import Iterable
from typing import Final

from proxy.terms import Effect, ErrorCode, ErrorType, Facts, Kind

from .status import Meaning

_MAX_TEXT: Final = 400
_JOINTS: Final = re.compile(r"[^a-z0-9]+")
_DOUBT: Final = re.compile(
    r"\bduplicat|\b(?:must be|not|be) unique\b|\b(?:is|being|been|still|currently) process"
    r"|\b(?:transaction|payment|charge|order|request|refund|payout|transfer) (?:is )?(?:still )?"
    r"(?:pending|in progress|in process)"
    r"|\balready (?:\w+ ){0,4}?"
    r"(?:exists?|used|processed|paid|made|completed|taken|submitted|charged|captured|refunded|approved"
    r"|settled|voided|cancell?ed|authori[sz]ed|registered|funded|sent|confirmed)\b"
)
_OF_DOUBT: Final = ("duplicat", "already", "unique", "process", "pending", "progress")
_OUTAGE: Final = re.compile(
    r"time ?d? ?out|unavailable"
    r"|(?:server|internal|gateway|processor|issuer|bank|provider|network) ?error"
)
_OF_OUTAGES: Final = ("time", "unavailable", "error")  # one of them stands in each of those
# Words that say that something was, or is being, done.
_DONE_BEFORE: Final = frozenset(
    {
        ErrorCode.DUPLICATE_TRANSACTION,
        ErrorCode.ALREADY_PROCESSED,
        ErrorCode.IDEMPOTENCY_KEY_IN_USE,
        ErrorCode.OUTCOME_PENDING,
    }
)
_OUTAGE_TYPES: Final = {ErrorType.TIMEOUT, ErrorType.UNAVAILABLE, ErrorType.INTERNAL_ERROR}
_OUTAGES: Final = frozenset(code for code in ErrorCode if code.type in _OUTAGE_TYPES)


def doubt(
    meaning: Meaning,
    word: ErrorCode,
    facts: Facts,
    remarks: Iterable[str] = (),
    *,
    is_stated: bool,
) -> tuple[Meaning, ErrorCode]:
    """Give what an error means, and its word, with what speaks against it taken into account.

    *remarks* are what the answer says beside its facts.
    """
    if meaning.kind is Kind.DECLINED and is_doubtful(facts, remarks):
        return Meaning(Kind.DUPLICATE, Effect.UNKNOWN), ErrorCode.DUPLICATE_TRANSACTION
    if meaning.effect is not Effect.NONE or is_stated:
        return meaning, word
    is_done = word in _DONE_BEFORE or is_doubtful(facts, remarks)
    is_outage = meaning.kind is Kind.REJECTED and (word in _OUTAGES or _names_outage(facts))
    if not is_done and not is_outage:
        return meaning, word
    if word.type is ErrorType.DECLINED:  # an application that reads a decline pays again
        word = ErrorCode.DUPLICATE_TRANSACTION if is_done else ErrorCode.SERVICE_UNAVAILABLE
    return Meaning(meaning.kind, Effect.UNKNOWN), word


def is_doubtful(facts: Facts, remarks: Iterable[str] = ()) -> bool:
    """Whether the provider speaks of something done before, wherever in its answer it does."""
    details = (detail.description for detail in facts.details)
    for text in (facts.code, facts.type, facts.message, *details, *remarks):
        if text:
            said = text[:_MAX_TEXT].lower()
            # Without these letters it cannot be, and most are without.
            if any(letters in said for letters in _OF_DOUBT) and _holds(_DOUBT, said):
                return True
    return False


def _names_outage(facts: Facts) -> bool:
    """Whether the provider's code or type is one of an outage. What a message tells is prose."""
    for text in (facts.code, facts.type):
        if text:
            said = text[:_MAX_TEXT].lower()
            if any(letters in said for letters in _OF_OUTAGES) and _holds(_OUTAGE, said):
                return True
    return False


def _holds(pattern: re.Pattern[str], said: str) -> bool:
    return pattern.search(_JOINTS.sub(" ", said)) is not None
