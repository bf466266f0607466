"""What a request is told that met another one under its key, or no ledger. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.terms import Effect, Kind, Refusal, Refused

from .entry import Entry, Result

_TOO_LARGE: Final = (
    "a payment with a key is kept whole to be compared with its repeats: the body is larger than "
    "`replay_body`"
)
_KINDS: Final[Mapping[Result, Kind]] = MappingProxyType(
    {
        Result.SUCCEEDED: Kind.OK,
        Result.DECLINED: Kind.DECLINED,
        Result.REJECTED: Kind.REJECTED,
    }
)


def too_large() -> Refused:
    """Refuse what cannot be compared with a repeat of it (contract section 6)."""
    return Refused(reason=Refusal.TOO_LARGE, hint=_TOO_LARGE)


def ledger_away() -> Refused:
    """Refuse what cannot be written down."""
    return Refused(reason=Refusal.LEDGER_AWAY, is_retryable=True)


def reused() -> Refused:
    """Refuse another request under a key that is taken."""
    return Refused(reason=Refusal.KEY_REUSED)


def in_use(outcome_id: str) -> Refused:
    """Tell one who waited for the same request that it is still under way."""
    return Refused(
        reason=Refusal.KEY_IN_USE, effect=Effect.UNKNOWN, is_retryable=True, outcome_id=outcome_id
    )


def pending(outcome_id: str, ask_again_s: float | None) -> Refused:
    """Tell that nobody knows yet what came of the same request."""
    return Refused(
        reason=Refusal.OUTCOME_PENDING,
        effect=Effect.UNKNOWN,
        is_retryable=True,
        retry_after_s=ask_again_s,
        outcome_id=outcome_id,
    )


def already_processed(entry: Entry) -> Refused:
    """Tell that the same request was decided, where its answer is not kept."""
    kind = None if entry.result is None else _KINDS[entry.result]
    return Refused(reason=Refusal.ALREADY_PROCESSED, effect=Effect.SETTLED, settled=kind)
