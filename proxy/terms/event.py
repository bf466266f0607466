"""What rooms report: frozen facts, whose words come from enums and configured names only."""

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from .call import Call, Delivery
from .outcome import Outcome, ProxyError
from .trace import Span
from .verdict import Basis, Denial


class Responded(Struct, frozen=True):
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
    caller_trace: str | None = None  # 32 hex digits: the caller's own trace, if it is kept
    span: Span | None = None  # where spans are made


class CallEnded(Struct, frozen=True):
    """The journey of a call ended; the caller may have been answered before."""

    call: Call
    outcome: Outcome
    duration_s: float


class AttemptEnded(Struct, frozen=True):
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
    method: str = "_OTHER"  # as in `Responded`
    attempt: int = 1
    span: Span | None = None  # where the request is traced


class RetryScheduled(Struct, frozen=True):
    """A call will be sent again."""

    request_id: str
    provider: str
    route: str
    reason: str  # an error code or a proxy error type
    basis: Basis
    attempt: int  # the one that just ended
    delay_s: float


class RetryDenied(Struct, frozen=True):
    """A call failed and is not sent again."""

    request_id: str
    provider: str
    route: str
    reason: str
    denied_by: Denial
    attempt: int


class LimitWaited(Struct, frozen=True):
    """A call waited for a place under a limit, in vain or not."""

    provider: str
    limit: str
    wait_s: float
    is_refused: bool


class BreakerMoved(Struct, frozen=True):
    """A circuit changed its state: 0 closed, 1 half open, 2 open."""

    provider: str
    route: str
    state: int


class KeyHandled(Struct, frozen=True):
    """What was done with an idempotency key."""

    request_id: str
    provider: str
    result: str  # new, replayed, joined, in_progress, pending, reused, generated, missing


class OutcomeUnknown(Struct, frozen=True):
    """Nobody knows what came of a payment; the ledger follows it."""

    outcome_id: str
    provider: str
    route: str


class OutcomeSettled(Struct, frozen=True):
    """Somebody said what came of a payment that was unknown."""

    outcome_id: str
    provider: str
    by: str  # lookup, webhook, person, repeat
    said: str  # succeeded, declined, not_processed


class OutcomeContradicted(Struct, frozen=True):
    """Somebody says of a payment what does not agree with what is recorded of it."""

    outcome_id: str
    provider: str
    by: str  # lookup, webhook, person, repeat, provider
    said: str


class WebhookCame(Struct, frozen=True):
    """Somebody sent a webhook in a provider's name."""

    provider: str
    result: str  # settled, confirmed, contradicted, too_early, repeated, ignored, or why it failed


class StoreMoved(Struct, frozen=True):
    """A store went away, or came back."""

    store: str  # ledger, limits
    is_up: bool
    error: str | None = None  # what it failed with
    sidecars: int | None = None  # that share the limits, as last counted


class ConfigReloaded(Struct, frozen=True):
    """The config was read again."""

    result: str  # done, refused
    message: str | None = None  # why not


class ConnectionDiscarded(Struct, frozen=True):
    """A pooled connection was not used again."""

    provider: str
    why: str


class TunnelRefused(Struct, frozen=True):
    """The egress proxy opened no tunnel to the provider, and said so with a *status*."""

    provider: str
    status: int


class CodeUnmapped(Struct, frozen=True):
    """The provider gave a code that no rule of its profile knows."""

    provider: str
    code: str
    status: int
    message: str | None
    error_code: str  # what the code was taken for, without being known


class FaultOccurred(Struct, frozen=True):
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
    | ConfigReloaded
    | ConnectionDiscarded
    | TunnelRefused
    | CodeUnmapped
    | FaultOccurred
)
Emit: TypeAlias = Callable[[Event], None]
