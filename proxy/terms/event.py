"""What rooms report: frozen facts, whose words come from enums and configured names only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .call import Call, Delivery
from .outcome import Outcome, ProxyError
from .verdict import Basis, Denial


@dataclass(frozen=True, slots=True)
class Responded:
    """The caller was answered: once for every request, whoever answered it."""

    request_id: str
    provider: str  # "none" where no provider was found
    route: str
    method: str  # from a fixed set, else "_OTHER"
    status: int
    error_code: str  # "none" on a plain success
    outcome: str  # "none" on a plain success
    duration_s: float
    upstream_s: float  # of the duration, what was spent waiting for the provider or a limit
    attempts: int
    provider_code: str | None
    trace_id: str | None
    is_whole: bool  # False where the answer was cut off


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The journey of a call ended; the caller may have been answered before."""

    call: Call
    outcome: Outcome
    duration_s: float


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """One try over the wire ended, with an answer or without."""

    request_id: str
    provider: str
    route: str
    duration_s: float
    delivery: Delivery
    status: int | None  # of the answer
    reason: ProxyError | None  # why there is no usable answer
    provider_code: str | None
    is_throttled: bool


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A call will be sent again."""

    request_id: str
    provider: str
    route: str
    reason: str  # an error code or a proxy error type
    basis: Basis
    attempt: int  # the one that just ended
    delay_s: float


@dataclass(frozen=True, slots=True)
class RetryDenied:
    """A call failed and is not sent again."""

    request_id: str
    provider: str
    route: str
    reason: str
    denied_by: Denial
    attempt: int


@dataclass(frozen=True, slots=True)
class LimitWaited:
    """A call waited for a place under a limit, in vain or not."""

    provider: str
    limit: str
    wait_s: float
    is_refused: bool


@dataclass(frozen=True, slots=True)
class BreakerMoved:
    """A circuit changed its state: 0 closed, 1 half open, 2 open."""

    provider: str
    route: str
    state: int


@dataclass(frozen=True, slots=True)
class KeyHandled:
    """What was done with an idempotency key."""

    request_id: str
    provider: str
    result: str  # new, replayed, joined, in_progress, pending, reused, generated, missing


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Nobody knows what came of a payment; the ledger follows it."""

    outcome_id: str
    provider: str
    route: str


@dataclass(frozen=True, slots=True)
class OutcomeSettled:
    """Somebody said what came of a payment that was unknown."""

    outcome_id: str
    provider: str
    by: str  # lookup, webhook, person, repeat
    said: str  # succeeded, declined, not_processed


@dataclass(frozen=True, slots=True)
class OutcomeContradicted:
    """Somebody says of a payment what does not agree with what is recorded of it."""

    outcome_id: str
    provider: str
    by: str  # lookup, webhook, person, repeat, provider
    said: str


@dataclass(frozen=True, slots=True)
class WebhookCame:
    """Somebody sent a webhook in a provider's name."""

    provider: str
    result: str  # settled, confirmed, contradicted, too_early, repeated, ignored, or why it failed


@dataclass(frozen=True, slots=True)
class StoreMoved:
    """A store went away, or came back."""

    store: str  # ledger, limits
    is_up: bool


@dataclass(frozen=True, slots=True)
class ConnectionDiscarded:
    """A pooled connection was not used again."""

    provider: str
    why: str


@dataclass(frozen=True, slots=True)
class TunnelRefused:
    """The egress proxy opened no tunnel to the provider, and said so with a *status*."""

    provider: str
    status: int


@dataclass(frozen=True, slots=True)
class CodeUnmapped:
    """The provider gave a code that no rule of its profile knows."""

    provider: str
    code: str
    status: int
    message: str | None
    error_code: str  # what the code was taken for, without being known


@dataclass(frozen=True, slots=True)
class FaultOccurred:
    """A bug of ours was caught at a boundary: its class and place, never its text."""

    request_id: str
    fault: str
    where: str


Event: TypeAlias = (
    Responded
    | CallEnded
    | AttemptEnded
    | RetryScheduled
    | RetryDenied
    | LimitWaited
    | BreakerMoved
    | KeyHandled
    | OutcomeUnknown
    | OutcomeSettled
    | OutcomeContradicted
    | StoreMoved
    | WebhookCame
    | ConnectionDiscarded
    | TunnelRefused
    | CodeUnmapped
    | FaultOccurred
)
Emit: TypeAlias = Callable[[Event], None]
