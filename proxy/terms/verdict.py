"""Whether a call is sent again: the words of the decision, for metrics, log and `explain`."""

from enum import StrEnum

from msgspec import Struct


class Basis(StrEnum):
    """What makes a repeat safe (contract section 5)."""

    NOT_SENT = "not_sent"
    REFUSED = "refused"
    IDEMPOTENT = "idempotent"
    IDEMPOTENCY_KEY = "idempotency_key"
    IN_PROGRESS = "in_progress"
    NONE = "none"


class Denial(StrEnum):
    """What forbids a repeat (contract section 7, `denied_by`)."""

    UNSAFE = "unsafe"
    PERMANENT = "permanent"
    BUDGET = "budget"
    DEADLINE = "deadline"
    ATTEMPTS = "attempts"
    BODY = "body"
    BREAKER = "breaker"
    LIMIT = "limit"
    CALLER = "caller"
    DRAINING = "draining"


class Again(Struct, frozen=True):
    """Sending again can do no harm, and may help."""

    basis: Basis


class Final(Struct, frozen=True):
    """Sending again could do harm, or cannot help."""

    denied_by: Denial


Verdict = Again | Final
