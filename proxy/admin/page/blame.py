"""Whose failure an error is: the first question of whoever is on call. Pure.

Rules:

1. A provider that cannot be reached, does not answer in time, or answers with a failure of its own:
   the provider's. An open circuit is what it led to.
2. What this sidecar refuses to protect itself, or because an operator said so: ours.
3. A rate limit may be ours or the provider's: it is shown by itself.
4. What is wrong with the request, or its credential: the application's.
5. A decline is no failure of anybody: a customer's card.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from proxy.terms import ErrorCode, ErrorType


class Whose(StrEnum):
    """Who has to do something."""

    FINE = "fine"
    PROVIDER = "provider"
    SIDECAR = "sidecar"
    LIMIT = "limit"
    APPLICATION = "application"
    CUSTOMER = "customer"


_BY_TYPE: Final[Mapping[ErrorType, Whose]] = {
    ErrorType.VALIDATION: Whose.APPLICATION,
    ErrorType.UNAUTHORIZED: Whose.APPLICATION,
    ErrorType.PERMISSION: Whose.APPLICATION,
    ErrorType.NOT_FOUND: Whose.APPLICATION,
    ErrorType.CONFLICT: Whose.APPLICATION,
    ErrorType.CONCURRENCY: Whose.APPLICATION,
    ErrorType.RATE_LIMIT: Whose.LIMIT,
    ErrorType.DECLINED: Whose.CUSTOMER,
    ErrorType.TIMEOUT: Whose.PROVIDER,
    ErrorType.UNAVAILABLE: Whose.PROVIDER,
    ErrorType.INTERNAL_ERROR: Whose.PROVIDER,
}
_BY_CODE: Final[Mapping[ErrorCode, Whose]] = {
    ErrorCode.OVERLOADED: Whose.SIDECAR,
    ErrorCode.PAUSED: Whose.SIDECAR,
    ErrorCode.REQUEST_TIMEOUT: Whose.APPLICATION,  # it did not send its request
    ErrorCode.OUTCOME_PENDING: Whose.PROVIDER,  # it has not said what became of an earlier one
}
_SHARE: Final = 0.05  # of the requests: below it, single failures
_SENTENCES: Final[Mapping[Whose, str]] = {
    Whose.FINE: "Going well.",
    Whose.PROVIDER: "It is them: the provider fails or cannot be reached.",
    Whose.SIDECAR: "It is us: calls are held back here.",
    Whose.LIMIT: "Too fast: a rate limit turns calls away.",
    Whose.APPLICATION: "It is the application: its requests or credentials are refused.",
    Whose.CUSTOMER: "Going well; some cards were declined.",
}


def whose(code: str) -> Whose:
    """Say whose failure an error code is; `none` is nobody's."""
    if code == "none":
        return Whose.FINE
    known = ErrorCode(code)
    return _BY_CODE.get(known) or _BY_TYPE[known.type]


def verdict(codes: Mapping[str, int]) -> tuple[Whose, str]:
    """Say whom the failures of a while point at, and that in a sentence."""
    total = sum(codes.values())
    if not total:
        return Whose.FINE, "No traffic."
    shares: Counter[Whose] = Counter()
    for code, count in codes.items():
        shares[whose(code)] += count
    failing = (Whose.PROVIDER, Whose.SIDECAR, Whose.LIMIT, Whose.APPLICATION)
    worst = max(failing, key=lambda each: shares[each])
    if shares[worst] < _SHARE * total:
        worst = Whose.CUSTOMER if shares[Whose.CUSTOMER] else Whose.FINE
    return worst, _SENTENCES[worst]
